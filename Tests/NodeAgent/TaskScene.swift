import AgentProtocol
import Foundation
import HTTPConnection
import NodeAgent
import ProgramRunner
import Synchronization
import Testing

/// Notes what is run, and lets nothing end before it is told to.
final class GatedRunner: CommandRunner {
  private struct State {
    var commands: [Command] = []
    var running = 0
    var most = 0
    var isOpen: Bool
  }

  private let state: Mutex<State>
  private let output: CommandOutput

  init(isOpen: Bool = true, output: CommandOutput = CommandOutput()) {
    state = Mutex(State(isOpen: isOpen))
    self.output = output
  }

  var lines: [String] { state.withLock { $0.commands.map { $0.arguments.joined(separator: " ") } } }
  var most: Int { state.withLock { $0.most } }
  func open() { state.withLock { $0.isOpen = true } }

  func run(_ command: Command) async throws(CommandFailure) -> CommandOutput {
    state.withLock {
      $0.commands.append(command)
      $0.running += 1
      $0.most = max($0.most, $0.running)
    }
    defer { state.withLock { $0.running -= 1 } }
    while !state.withLock({ $0.isOpen }) {
      do { try await Task.sleep(for: .milliseconds(2)) } catch {
        throw CommandFailure(command: "\(command)", ending: .failed("\(error)"))
      }
    }
    guard command.acceptedCodes.contains(output.code) else {
      throw CommandFailure(command: "\(command)", ending: .exited(output.code))
    }
    return output
  }
}

/// A node in a folder of its own, and what its appliance says.
struct TaskScene: ~Copyable {
  let folder: TemporaryFolder
  let appliance: FakeAppliance

  init() throws {
    let (node, recipient) = (try SigningPrivateKey(), AgeIdentity().recipient)
    let appliance = try FakeAppliance()
    let folder = try TemporaryFolder()
    try folder.write(Data(node.secretBytes).base64EncodedString(), to: NodeConfiguration.keyPath)
    appliance.change { state in
      state.installed = [
        InstalledReport(
          task: "install-1", nodeKey: node.publicKey, nodeRecipient: recipient, disks: [], closure: Sample.closure)
      ]
    }
    self.appliance = appliance
    self.folder = folder
  }

  func tasks(_ runner: any CommandRunner, program: String = "agent") -> NodeTasks {
    NodeTasks(root: folder.path, runner: runner, program: program, log: AgentLog { _ in })
  }

  /// Reports until `isDone`.
  func stay(
    _ runner: any CommandRunner, alarms: (any CommandRunner)? = nil, restarts: Counter = Counter(),
    isDone: @escaping @Sendable (FakeAppliance) -> Bool
  ) async throws {
    let tasks = tasks(runner)
    let root = self.folder.path
    let watch = alarms.map { runner in
      NodeAlarmWatch(root: root, runner: runner, program: "agent", log: AgentLog { _ in }) { _ in
        try await Task.sleep(for: .milliseconds(2))
      }
    }
    let (appliance, folder) = (appliance, root)
    try await appliance.serve { endpoint in
      try Data(
        MessageCoder.encode(
          NodeConfiguration(
            applianceURL: endpoint.description, appliancePublicKey: appliance.key.publicKey, machineName: "node1"))
      ).write(to: URL(fileURLWithPath: folder + NodeConfiguration.path))
      let log = AgentLog { _ in }
      let reporter = NodeReporter(root: root, log: log, now: { 1000 }) { _ in
        if isDone(appliance) { throw CancellationError() }
        try await Task.sleep(for: .milliseconds(2))
      }
      let boot = NetworkBoot(root: root, runner: FakeRunner(), log: log) { _ = restarts.next() }
      await #expect(throws: CancellationError.self) {
        try await reporter.stay(networkBoot: boot, tasks: tasks, alarms: watch) { _, _ in
          SystemRollout(root: root, runner: FakeRunner(), log: log, store: FakeStore())
        }
      }
    }
  }
}
