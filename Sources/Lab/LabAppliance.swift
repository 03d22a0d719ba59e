import Foundation
import Synchronization

/// `bootstead serve` in the lab's network, with a data directory of its own.
public final class LabAppliance: Sendable {
  private let binary: String
  /// Its operator's socket, for further commands.
  public let socket: String
  private let process: Mutex<LabProcess>
  private let command: Command

  /// How the server is started, the first time and after it was killed.
  private struct Command: Sendable {
    var arguments: [String]
    var logPath: String

    func start() async throws -> LabProcess { try await LabProcess.start("ip", arguments, logPath: logPath) }
  }

  private init(binary: String, socket: String, process: LabProcess, command: Command) {
    self.binary = binary
    self.socket = socket
    self.process = Mutex(process)
    self.command = command
  }

  /// Starts the server; returns once it answers its operator.
  /// - Parameters:
  ///   - binary: the path of `bootstead`.
  ///   - folder: gets `data` and `appliance.log`.
  public static func start(binary: String, network: LabNetwork, folder: String, arguments: [String] = []) async throws
    -> LabAppliance
  {
    let data = folder + "/data"
    try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
    let command = Command(
      arguments: [
        "netns", "exec", network.applianceNamespace, binary, "serve", "--interface", LabNetwork.bridge, "--data", data,
      ] + arguments, logPath: folder + "/appliance.log")
    let process = try await command.start()
    let appliance = LabAppliance(binary: binary, socket: data + "/bootstead.sock", process: process, command: command)
    do {
      try await appliance.becomeReady(seconds: 60)
    } catch {
      await process.stop()
      throw error
    }
    return appliance
  }

  /// Ends the server between two instructions (`SIGKILL`). Returns once it is gone.
  public func kill() async { await present.stop(signal: SIGKILL) }

  /// Starts the server again on the same data; returns once it answers its operator.
  public func restart() async throws {
    await stop()
    let fresh = try await command.start()
    process.withLock { $0 = fresh }
    try await becomeReady(seconds: 60)
  }

  private var present: LabProcess { process.withLock { $0 } }

  private func becomeReady(seconds: Int) async throws {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(seconds)
    while true {
      try present.mustRun()
      do {
        try await run("status")
        return
      } catch {
        guard clock.now < end else { throw error }
      }
      try await Task.sleep(for: .milliseconds(300))
    }
  }

  /// Runs a command of the operator, such as `machine list`.
  /// - Returns: the JSON that it printed.
  @discardableResult
  public func run(_ command: String...) async throws -> Data { try await run(command) }

  @discardableResult
  public func run(_ command: [String]) async throws -> Data {
    Data(try await LabTool.run(binary, command + ["--socket", socket, "--json"]).utf8)
  }

  /// Runs a command of the operator on the appliance's own network, such as `kexec`.
  @discardableResult
  public func runInside(_ network: LabNetwork, _ command: [String]) async throws -> String {
    try await LabTool.run(
      "ip", ["netns", "exec", network.applianceNamespace, binary] + command + ["--socket", socket])
  }

  /// Runs a command of the operator that speaks to this program's own terminal.
  public func follow(_ command: String...) async throws {
    try await LabTool.show(binary, command + ["--socket", socket])
  }

  /// What `machine show` says of one machine.
  public func machine(_ name: String) async throws -> LabMachineStatus {
    let answer = try await run("machine", "show", name)
    do {
      return try JSONDecoder().decode(LabMachineStatus.Detail.self, from: answer).machine
    } catch {
      throw LabError.unexpectedAnswer(
        command: "machine show \(name)", output: "\(error)\n" + String(decoding: answer, as: UTF8.self))
    }
  }

  /// All machines that the appliance knows.
  public func machines() async throws -> [LabMachineStatus] {
    let answer = try await run("machine", "list")
    do {
      return try JSONDecoder().decode([LabMachineStatus.Detail].self, from: answer).map(\.machine)
    } catch {
      throw LabError.unexpectedAnswer(
        command: "machine list", output: "\(error)\n" + String(decoding: answer, as: UTF8.self))
    }
  }

  /// Throws where the server has ended.
  public func mustRun() throws { try present.mustRun() }

  /// The end of the server's log.
  public var logTail: String { SerialConsole.tail(of: command.logPath) }

  public func stop() async { await present.stop() }
}
