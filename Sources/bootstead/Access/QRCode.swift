import ProgramRunner

/// Makes QR codes with qrencode. What is in them goes by its standard input, never by its command line.
struct QRCode {
  let runner: any CommandRunner

  private static let program = "qrencode"

  /// - Throws: ``CommandFailure`` where qrencode is not installed.
  func check() async throws {
    do {
      try await runner.run(Command(Self.program, ["--version"]))
    } catch {
      throw CommandFailure.failed(
        "QR codes are made by qrencode, which can not be run: install it (apt install qrencode)")
    }
  }

  /// For a terminal.
  func text(_ content: String) async throws -> String {
    try await check()
    return try await run(["--type", "UTF8", "--output", "-"], content).standardOutput
  }

  /// Makes a file for its owner alone.
  /// - Parameter type: `PNG` or `SVG`.
  func write(_ content: String, to path: String, type: String) async throws {
    try PrivateFile.write("", to: path)
    _ = try await run(["--type", type, "--size", "8", "--output", "-"], content, file: path)
  }

  private func run(_ arguments: [String], _ content: String, file: String? = nil) async throws -> CommandOutput {
    var command = Command(Self.program, arguments, input: content, timeout: .seconds(30))
    command.outputFile = file
    do {
      return try await runner.run(command)
    } catch {
      throw CommandFailure.failed("\(error)")
    }
  }
}
