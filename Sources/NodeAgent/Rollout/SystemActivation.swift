import AgentProtocol
import NodeFiles
import ProgramRunner

/// Starts systems on a running node, by their own `switch-to-configuration`.
struct SystemActivation: Sendable {
  /// The longest that a system may take to start.
  static let limit = Duration.seconds(900)
  /// Names of systemd units.
  private static let switchUnit = "bootstead-switch"
  private static let watchdogUnit = "bootstead-rollback"

  let root: String
  let runner: any CommandRunner

  var hasSystemd: Bool { FileSystemEntry(root + "/run/systemd/system").exists }

  enum Action: String {
    /// Starts the system, without making the machine boot it.
    case test
    /// Makes the machine boot the system of the current generation.
    case boot
  }

  static func program(of closure: String) -> String { closure + "/bin/switch-to-configuration" }

  func run(_ action: Action, of closure: String) async throws {
    let program = Self.program(of: closure)
    guard hasSystemd else {
      try await runner.run(Command(program, [action.rawValue], timeout: Self.limit))
      return
    }
    // In a unit of its own: starting a system may restart the agent, and what runs in the agent's unit ends with it.
    do {
      try await runner.run(
        Command(
          "systemd-run",
          [
            "--unit=\(Self.switchUnit)", "--collect", "--wait", "--quiet", "--no-ask-password", "--service-type=exec",
            program, action.rawValue,
          ], timeout: Self.limit))
    } catch {
      throw CommandFailure(
        command: "\(program) \(action.rawValue)", ending: error.ending, lastLines: await journal() ?? error.lastLines)
    }
  }

  private func journal() async -> [String]? {
    let output = try? await runner.run(
      Command(
        "journalctl", ["--unit=\(Self.switchUnit).service", "--lines=6", "--output=cat", "--no-pager", "--quiet"]))
    let lines = output?.standardOutput.split(separator: "\n").map { String($0.prefix(300)) } ?? []
    return lines.isEmpty ? nil : lines
  }

  /// Whether a switch that an earlier agent began is still at work.
  func isSwitching() async throws -> Bool {
    guard hasSystemd else { return false }
    return ["active", "activating", "deactivating"].contains(try await state(of: Self.switchUnit + ".service"))
  }

  /// systemd's word for how a unit is: `active`, `activating`, `failed`, `inactive` and others.
  func state(of unit: String) async throws -> String {
    let output = try await runner.run(Command("systemctl", ["show", "--property=ActiveState", "--value", "--", unit]))
    return String(output.standardOutput.prefix { !$0.isNewline })
  }

  /// Has systemd start the old system again after a time, whatever becomes of the agent.
  func armWatchdog(_ previous: String, seconds: Int) async throws {
    guard hasSystemd else { return }
    await disarmWatchdog()
    try await runner.run(
      Command(
        "systemd-run",
        [
          "--unit=\(Self.watchdogUnit)", "--collect", "--quiet", "--no-ask-password", "--on-active=\(seconds)s",
          Self.program(of: previous), Action.test.rawValue,
        ]))
  }

  func disarmWatchdog() async {
    guard hasSystemd else { return }
    // It is an error to stop what is not there; that is just as well.
    _ = try? await runner.run(Command("systemctl", ["stop", "\(Self.watchdogUnit).timer"]))
  }
}
