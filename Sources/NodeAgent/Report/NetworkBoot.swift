import AgentProtocol
import FoundationEssentials
import Glibc
import NetworkAddress
import NodeFiles
import ProgramRunner

/// Carries out the order of a node's appliance to start from the network: once for each order.
public struct NetworkBoot: Sendable {
  /// Holds the last order that was carried out.
  public static let path = "/var/lib/bootstead/node.network-boot"

  private let root: String
  private let runner: any CommandRunner
  private let log: AgentLog
  private let restart: @Sendable () async throws -> Void

  /// - Parameters:
  ///   - root: before every path that is read or written.
  ///   - restart: restarts this machine; it does not return where that works.
  public init(
    root: String = "", runner: any CommandRunner = SubprocessRunner(), log: AgentLog,
    restart: (@Sendable () async throws -> Void)? = nil
  ) {
    self.root = root
    self.runner = runner
    self.log = log
    self.restart = restart ?? { [runner] in try await Self.restart(runner) }
  }

  /// Restarts the machine for an order that it has not carried out yet.
  /// - Throws: where it could not be restarted; the order then counts as not carried out.
  public func carryOut(_ order: String) async throws {
    guard FileSystemEntry(root + Self.path).line != order else { return }
    guard !order.isEmpty, order.utf8.count <= 100, order.utf8.allSatisfy({ (33...126).contains($0) }) else {
      log.say("the order to start from the network has no usable identifier; it is ignored")
      return
    }
    log.say("the appliance says: start from the network (\(order))")
    // Written before the restart: an appliance that is not heard afterwards must not restart the node again and again.
    try WholeFile.write(Array("\(order)\n".utf8), to: root + Self.path)
    do {
      prepareFirmware()
      try await restart()
    } catch {
      unlink(root + Self.path)
      throw error
    }
  }

  /// Where the firmware takes it, the next start comes from the network; elsewhere its boot order decides.
  private func prepareFirmware() {
    let variables = FirmwareVariables(root: root)
    guard variables.exist else {
      log.say("this machine has no UEFI boot variables: its firmware's boot order decides")
      return
    }
    let entries = variables.networkEntries
    let own = Set(InventoryReader(root: root.isEmpty ? "/" : root).interfaces().filter(\.hasLink).map(\.mac))
    guard let entry = entries.first(where: { $0.mac.map(own.contains) ?? false }) ?? entries.first else {
      log.say("the firmware has no network entry: its boot order decides")
      return
    }
    do {
      try variables.setNext(entry.number)
      log.say("the next start is from \(entry.label)")
    } catch {
      log.say("the firmware's next start could not be set, its boot order decides: \(error)")
    }
  }

  /// Restarts the machine in good order, and hard where that does not help within two minutes.
  static func restart(_ runner: any CommandRunner) async throws {
    if FileSystemEntry("/run/systemd/system").exists {
      try await runner.run(Command("systemctl", ["reboot"]))
    } else {
      // What the kernel does for Ctrl-Alt-Del: every init takes it as the wish to restart in good order.
      guard kill(1, SIGINT) == 0 else { throw FileError("signal", "process 1", error: errno) }
    }
    try await Task.sleep(for: .seconds(120))
    try await runner.run(Command("sync", []))
    try await runner.run(Command("reboot", ["-f"]))
  }
}
