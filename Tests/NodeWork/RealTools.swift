import Foundation
import NodeWork
import ProgramRunner
import ProgramTestSupport
import StackSet
import Synchronization
import Testing

/// A simulated node whose copying, mounting and disks are real. Played are LVM and the container engine, which this host
/// has not, and the client of the Proxmox Backup Server, which Debian has not.
final class RealTools: CommandRunner {
  let node: SimulatedNode
  /// Whether mounts are real; otherwise only those of disks are.
  let mountsAll: Bool
  /// What the played client says, by its verb.
  let proxmox = Mutex<[String: CommandOutput]>([:])
  /// Changes what a command does, by its beginning.
  let instead = Mutex<[String: Command]>([:])

  init(_ node: SimulatedNode, mountsAll: Bool = true) {
    self.node = node
    self.mountsAll = mountsAll
  }

  func run(_ command: Command) async throws(CommandFailure) -> CommandOutput {
    let line = "\(command)"
    var isReal: Bool
    switch command.program {
    case "rsync", "zstd", "blkid", "sync": isReal = true
    case "mount", "umount", "findmnt":
      isReal = mountsAll || line.contains("/mounts/disk") || line.contains("--source")
    case "proxmox-backup-client":
      node.state.withLock { $0.commands.append(command) }
      let said = proxmox.withLock { $0[command.arguments[0]] } ?? CommandOutput()
      guard command.acceptedCodes.contains(said.code) else {
        throw CommandFailure(command: line, ending: .exited(said.code))
      }
      return said
    default: isReal = false
    }
    guard isReal else { return try await node.run(command) }
    node.state.withLock { $0.commands.append(command) }
    node.see(command)
    return try await SubprocessRunner().run(instead.withLock { $0.first { line.hasPrefix($0.key) }?.value } ?? command)
  }

  var commands: [Command] { node.state.withLock { $0.commands } }
}

extension Data {
  /// What no program makes smaller. From the kernel at once: a generator is asked for each byte, for seconds.
  static func incompressible(count: Int) throws -> Data {
    guard let source = FileHandle(forReadingAtPath: "/dev/urandom") else { throw CocoaError(.fileReadUnknown) }
    var bytes = Data()
    while bytes.count < count { bytes += try source.read(upToCount: count - bytes.count) ?? Data() }
    return bytes
  }
}

extension BackupScene {
  /// The engine with real tools.
  func engine(_ tools: RealTools, say: @escaping @Sendable (String) -> Void = { _ in }) -> BackupEngine {
    BackupEngine(
      folders: node.folders, set: .sample(directory: node.file("stacks"), stacks),
      snapshots: NodeSnapshots(providers: [ThinSnapshots(runner: tools)], runner: tools), runner: tools, say: say)
  }

  /// A configuration with one plan that is named like its design.
  func configuration(
    design: String, tier: Int = 1, settings: String, stacks: [String]? = nil, repository: String = "null",
    ping: String = "null"
  ) throws -> BackupConfiguration {
    let names = (stacks ?? self.stacks.map(\.name)).map { "\"\($0)\"" }.joined(separator: ",")
    let text = #"""
      {"schema":1,"ping":\#(ping),"repositories":{"there":\#(repository == "null" ? Self.nowhere : repository)},
      "plans":{"\#(design)":{"design":"\#(design)","tier":\#(tier),"stacks":[\#(names)],
      "unit":"bootstead-backup-\#(design).service","repository":"there","settings":\#(settings)}}}
      """#
    try write(text, to: "backup.json")
    return try BackupConfiguration.read(node.file("backup.json"))
  }

  private static let nowhere = #"{"type":"rsync","url":"/nowhere","environmentFiles":{}}"#

  /// The gaps that coverage finds at a stack, and its tiers.
  func coverage(_ stack: String, _ configuration: BackupConfiguration) async throws -> BackupCoverage.Row {
    let coverage = try await BackupCoverage.read(
      set: .sample(stacks), configuration: configuration, folders: node.folders, runner: RecordedRunner())
    return try #require(coverage.rows.first { $0.stack == stack })
  }

  /// What is mounted below this scene's folder now.
  func mounts() throws -> [String] {
    // Not by Foundation: it takes a short read for the end, and the kernel gives the table page by page.
    guard let table = fopen("/proc/self/mounts", "r") else { throw CocoaError(.fileReadUnknown) }
    defer { fclose(table) }
    var buffer: UnsafeMutablePointer<CChar>?
    var room = 0
    defer { free(buffer) }
    var found: [String] = []
    while getline(&buffer, &room, table) > 0, let line = buffer {
      let path = String(cString: line).split(separator: " ")[1]
      if path.hasPrefix(node.file("")) { found.append(String(path)) }
    }
    return found
  }
}
