import Foundation
import ProgramRunner
import ProgramTestSupport
import Testing

@Suite("Running programs")
struct SubprocessRunnerTests {
  private let runner = SubprocessRunner()

  @Test("Input goes in, output comes out")
  func output() async throws {
    let output = try await runner.run(Command("cat", [], input: "label: gpt\n"))
    #expect(output == CommandOutput(standardOutput: "label: gpt\n"))
  }

  @Test("A program may be named by its path, as that of a system is")
  func path() async throws {
    #expect(try await runner.run(Command("/bin/echo", ["a"])) == CommandOutput(standardOutput: "a\n"))
  }

  @Test(
    "A program that ends without reading its input is no trouble",
    arguments: ["", String(repeating: "x", count: 1 << 20)])
  func unread(input: String) async throws {
    for _ in 0..<20 { #expect(try await runner.run(Command("true", [], input: input)) == CommandOutput()) }
  }

  @Test("A failure names the command, its code and the last lines that it wrote")
  func failure() async {
    let script = "for i in 1 2 3 4 5 6 7 8; do echo line $i >&2; done; exit 5"
    let failure = await #expect(throws: CommandFailure.self) { try await runner.run(Command("sh", ["-c", script])) }
    #expect(failure?.ending == .exited(5))
    #expect(failure?.lastLines == ["line 3", "line 4", "line 5", "line 6", "line 7", "line 8"])
    #expect("\(failure.map(String.init(describing:)) ?? "")".hasPrefix("“sh -c for i in"))
  }

  @Test("A program that is missing, killed or too slow is told apart")
  func endings() async {
    let missing = await #expect(throws: CommandFailure.self) { try await runner.run(Command("no-such-program", [])) }
    guard case .failed? = missing?.ending else {
      Issue.record("\(String(describing: missing))")
      return
    }
    let killed = await #expect(throws: CommandFailure.self) {
      try await runner.run(Command("sh", ["-c", "kill -9 $$"]))
    }
    #expect(killed?.ending == .signal(9))
    let slow = await #expect(throws: CommandFailure.self) {
      try await runner.run(Command("sleep", ["600"], timeout: .milliseconds(200)))
    }
    #expect(slow?.ending == .timedOut(.milliseconds(200)))
  }

  @Test("Output beyond the limit is an error, not memory")
  func limit() async {
    let failure = await #expect(throws: CommandFailure.self) {
      try await runner.run(Command("head", ["-c", "\(SubprocessRunner.outputLimit + 1)", "/dev/zero"]))
    }
    guard case .failed? = failure?.ending else {
      Issue.record("\(String(describing: failure))")
      return
    }
  }

  @Test("Messages come in one language")
  func language() async throws {
    let output = try await runner.run(Command("sh", ["-c", "echo $LC_ALL"]))
    #expect(output.standardOutput == "C\n")
  }

  @Test("Files stand in for input and output, in a folder and with variables of the command's own")
  func files() async throws {
    let folder = try TemporaryDirectory()
    var command = Command("sh", ["-c", "cat; echo $BOOTSTEAD_TEST; pwd"])
    command.environment = ["BOOTSTEAD_TEST": "mine"]
    command.workingDirectory = "/usr"
    command.outputFile = folder.file("first")
    #expect(try await runner.run(command) == CommandOutput())
    command.inputFile = folder.file("first")
    command.outputFile = nil
    #expect(try await runner.run(command).standardOutput == "mine\n/usr\nmine\n/usr\n")
    #expect(!"\(command)".contains("mine"))
    let mode = try FileManager.default.attributesOfItem(atPath: folder.file("first"))[.posixPermissions]
    #expect(mode as? Int == 0o600)
    command.inputFile = folder.file("missing")
    await #expect(throws: CommandFailure.self) { try await runner.run(command) }
  }

  @Test("Codes that a command accepts are told, and are no failure")
  func codes() async throws {
    var command = Command("sh", ["-c", "echo found; exit 3"])
    command.acceptedCodes = [0, 3]
    #expect(try await runner.run(command) == CommandOutput(standardOutput: "found\n", code: 3))
  }
}
