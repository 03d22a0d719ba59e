import ProgramRunner

/// Tells a monitor, such as Healthchecks, that a run starts, succeeds or fails.
struct BackupPing: Sendable {
  enum Event: String, Sendable {
    case start = "/start"
    case success = ""
    case fail = "/fail"
  }

  /// The file with the URL.
  let file: String?
  let runner: any CommandRunner
  let say: @Sendable (String) -> Void

  /// A monitor that does not answer is no reason to make no backup, but it is said.
  func send(_ event: Event, text: String = "") async {
    guard let file else { return }
    do {
      guard let bytes = try DurableFile.bytes(of: file) else {
        throw NodeWorkError(
          .configuration, "the ping URL is not in \(file)", advice: "run 'bootstead-agent secrets apply'")
      }
      let url = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace && $0 != "\"" && $0 != "\\" }
      // The URL is a secret: on curl's standard input, and in none of its messages.
      var command = Command(
        "curl", ["--silent", "--fail", "--max-time", "20", "--retry", "3", "--output", "/dev/null", "--config", "-"],
        timeout: .seconds(120))
      let body = text.replacing("\\", with: "\\\\").replacing("\"", with: "'").replacing("\n", with: "\\n")
      command.input = "url = \"\(url)\(event.rawValue)\"\ndata-raw = \"\(body)\"\n"
      try await runner.work(command)
    } catch {
      say("the monitor could not be told: \(error)")
    }
  }
}
