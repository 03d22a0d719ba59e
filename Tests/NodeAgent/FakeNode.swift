import ProgramRunner
import AgentProtocol
import Foundation
import NodeAgent
import Synchronization

/// Has every closure already.
struct FakeStore: SystemStore {
  var refusal: CommandFailure?

  func fetch(_ order: RolloutOrder) async throws { if let refusal { throw refusal } }
}

/// A running node in a folder: systems whose `switch-to-configuration` does what it is for, and nothing else.
final class FakeNode: CommandRunner {
  static let old = Sample.closure
  static let new = "/nix/store/1123456789abcdfghijklmnpqrsvwxyz-nixos-system-node1-2"

  struct State {
    var lines: [String] = []
    /// Systems that do not start, or can not be made what the machine boots: `test CLOSURE`, `boot CLOSURE`.
    var broken: Set<String> = []
    /// Systems from which the appliance is not reached.
    var lonely: Set<String> = []
    /// Goes on after the system is gone that caused it, until a restart.
    var isLonelyForGood = false
    var units: [String: String] = [:]
    var restarts = 0
    var time = Duration.zero
    var reports: [RolloutReport?] = []
    /// Copies of the folder, one for each step.
    var snapshots: [String] = []
  }

  let root: String
  let state = Mutex(State())
  /// Where a copy of the folder goes at each step.
  let snapshots: String?

  /// - Parameter root: has the node already where it is a copy.
  init(root: String, snapshots: String? = nil) throws {
    self.root = root
    self.snapshots = snapshots
    guard !FileManager.default.fileExists(atPath: root + "/boots") else { return }
    for closure in [Self.old, Self.new] { try write("", to: closure + "/bin/switch-to-configuration") }
    try write("", to: "/var/lib/bootstead/x")
    try write("", to: "/run/x")
    try write("", to: "/nix/var/nix/profiles/x")
    try link("/nix/var/nix/profiles/system-1-link", to: Self.old)
    try link("/nix/var/nix/profiles/system", to: "system-1-link")
    try link("/run/current-system", to: Self.old)
    try link("/boots", to: Self.old)
  }

  private func write(_ text: String, to name: String) throws {
    let file = URL(fileURLWithPath: root + name)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }

  private func link(_ name: String, to target: String) throws {
    try? FileManager.default.removeItem(atPath: root + name)
    try FileManager.default.createSymbolicLink(atPath: root + name, withDestinationPath: target)
  }

  func target(_ name: String) -> String? {
    try? FileManager.default.destinationOfSymbolicLink(atPath: root + name)
  }

  var running: String? { target("/run/current-system") }
  /// What the boot loader starts.
  var boots: String? { target("/boots") }
  var installed: String? { target("/nix/var/nix/profiles/system").flatMap { target("/nix/var/nix/profiles/" + $0) } }
  var record: RolloutRecord? { RolloutRecord.load(root: root) }
  var lines: [String] { state.withLock { $0.lines } }

  /// The machine starts anew.
  func boot() throws {
    try link("/run/current-system", to: boots ?? "")
    state.withLock {
      $0.isLonelyForGood = false
      $0.restarts += 1
    }
  }

  /// The node runs systemd.
  func giveSystemd() throws { try write("", to: "/run/systemd/system/x") }

  private func snapshot() {
    guard let snapshots else { return }
    state.withLock { state in
      let path = "\(snapshots)/\(state.snapshots.count)"
      try? FileManager.default.copyItem(atPath: root, toPath: path)
      state.snapshots.append(path)
    }
  }

  func run(_ command: Command) async throws(CommandFailure) -> CommandOutput {
    snapshot()
    state.withLock { $0.lines.append(command.description) }
    let words = [command.program] + command.arguments
    if words[0] == "systemctl", words[1] == "show" {
      return CommandOutput(
        standardOutput: (state.withLock { $0.units[words.last ?? ""] } ?? "inactive") + "\n")
    }
    guard words.count >= 2, words[words.count - 2].hasSuffix("/bin/switch-to-configuration"),
      !words.contains(where: { $0.hasPrefix("--on-active") })
    else { return CommandOutput() }
    let closure = String(words[words.count - 2].dropLast("/bin/switch-to-configuration".count))
    let action = words[words.count - 1]
    let isBroken = state.withLock { state in
      if action == "test", state.lonely.contains(closure) { state.isLonelyForGood = true }
      return state.broken.contains("\(action) \(closure)")
    }
    try? link(action == "test" ? "/run/current-system" : "/boots", to: closure)
    snapshot()
    if isBroken { throw CommandFailure(command: command.description, ending: .exited(4), lastLines: ["it is broken"]) }
    return CommandOutput()
  }

  func rollout(store: any SystemStore = FakeStore(), screen: Screen = Screen()) -> SystemRollout {
    SystemRollout(
      root: root, runner: self, log: AgentLog(show: screen.show), store: store,
      pause: { duration in
        self.state.withLock { $0.time += duration }
        try await Task.sleep(for: .milliseconds(1))
      }, elapsed: { self.state.withLock { $0.time } },
      restart: { try self.boot() })
  }

  struct NotReached: Error, CustomStringConvertible { var description = "nobody answers" }

  /// A report to an appliance that gives the same order each time.
  func report(_ order: RolloutOrder?) -> SystemRollout.Report {
    { [self] in
      snapshot()
      let isReached = state.withLock { state in
        !state.lonely.contains(running ?? "") && !(state.isLonelyForGood && !state.lonely.isEmpty)
      }
      guard isReached else { throw NotReached() }
      let report = record?.report
      state.withLock { $0.reports.append(report) }
      return NodeOrders(nextReport: 60, rollout: order)
    }
  }
}
