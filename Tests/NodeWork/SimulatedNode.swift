import Foundation
import NodeWork
import ProgramRunner
import ProgramTestSupport
import StackSet
import Synchronization

/// A node whose LVM, mounts and container engine are played: this host has no device mapper and no engine. Answers have
/// the form of lvs 2.03, findmnt 2.38 and Docker Compose 2. Snapshots and mounts are copies of folders, so that real
/// programs read what a real snapshot would hold. Restic is real, and Borg is unless `playsBorg`.
final class SimulatedNode: CommandRunner {
  struct State {
    var volumes: [String: Volume] = [:]
    var mounts: [String: String] = [:]
    var running: [String: Set<String>] = [:]
    var paused: [String: Set<String>] = [:]
    /// All that a stack has, running or not.
    var services: [String: Set<String>] = [:]
    var repositoryLocked = false
    var archives: [String] = []
    /// Mount points that /etc/fstab has.
    var declared: [String] = []
    var poolBytes = 10_737_418_240
    var dataPercent = 41.5
    var metadataPercent = 12.25
    var commands: [Command] = []
    var failing: [String: String] = [:]
    /// Services that do not come back.
    var broken: Set<String> = []
    /// How often the engine fails to pause them, by service.
    var unpausable: [String: Int] = [:]
    /// What dump hooks print, instead of their own command line.
    var dumpText: String?
  }

  struct Volume {
    var folder: String
    var origin = ""
    var tags: [String] = []
    var mountPoint: String?
    var bytes: UInt64 = 10 << 30
  }

  enum Death: Sendable, Hashable { case before(Int), after(Int) }

  let folder: TemporaryDirectory
  let playsBorg: Bool
  let state = Mutex(State())
  private let death: Mutex<(count: Int, at: Death?, isDead: Bool, tell: (@Sendable () -> Void)?)>
  /// Servers that live as long as the node does.
  let companions = Mutex<[any Sendable]>([])
  private let watcher = Mutex<(@Sendable (Command) -> Void)?>(nil)

  init(playsBorg: Bool = false) throws {
    folder = try TemporaryDirectory()
    self.playsBorg = playsBorg
    death = Mutex((0, nil, false, nil))
  }

  var folders: NodeFolders { NodeFolders(state: folder.file("state"), runtime: folder.file("run")) }

  func file(_ name: String) -> String { folder.file(name) }

  /// Sees each command before it has an effect.
  func watch(_ see: @escaping @Sendable (Command) -> Void) { watcher.withLock { $0 = see } }

  /// For commands that are carried out elsewhere.
  func see(_ command: Command) { watcher.withLock { $0 }?(command) }

  /// From now on the agent's process is gone at that command: nothing that it does has an effect any more.
  func die(_ at: Death?, tell: (@Sendable () -> Void)? = nil) { death.withLock { $0 = (0, at, false, tell) } }

  func run(_ command: Command) async throws(CommandFailure) -> CommandOutput {
    let (number, at) = death.withLock {
      $0.count += 1
      return ($0.count - 1, $0.at)
    }
    if at == .before(number) { await stop() }
    let answer: Result<CommandOutput, CommandFailure>
    do {
      answer = .success(try await effect(command))
    } catch {
      answer = .failure(error)
    }
    if at == .after(number) { await stop() }
    return try answer.get()
  }

  private func stop() async {
    death.withLock { $0.tell }?()
    // As a process that was killed: it never goes on.
    while true { try? await Task.sleep(for: .seconds(3600)) }
  }

  private func effect(_ command: Command) async throws(CommandFailure) -> CommandOutput {
    state.withLock { $0.commands.append(command) }
    watcher.withLock { $0 }?(command)
    if let reason = state.withLock({ state in state.failing.first { "\(command)".contains($0.key) }?.value }) {
      throw CommandFailure(command: "\(command)", ending: .exited(5), lastLines: [reason])
    }
    let isBorg = command.program == "borg"
    // Real ones see what is really there.
    let isReal =
      ["rm", "restic"].contains(command.program) || (command.program == "curl" && command.arguments.contains("DELETE"))
    if isReal || (isBorg && !playsBorg) { return try await SubprocessRunner().run(command) }
    do {
      let output = try play(command)
      guard command.acceptedCodes.contains(output.code) else {
        throw CommandFailure(command: "\(command)", ending: .exited(output.code), lastLines: [output.standardError])
      }
      return output
    } catch let failure as CommandFailure {
      throw failure
    } catch {
      throw CommandFailure(command: "\(command)", ending: .failed("\(error)"))
    }
  }

  private func play(_ command: Command) throws -> CommandOutput {
    let arguments = command.arguments
    let last = arguments.last ?? ""
    switch command.program {
    case "lvs": return CommandOutput(standardOutput: listing)
    case "findmnt" where arguments.contains("--mountpoint"):
      let isMounted = state.withLock { state in
        state.mounts[last] != nil
          || (state.declared.contains(last) && state.volumes.values.contains { $0.mountPoint == last })
      }
      return CommandOutput(code: isMounted ? 0 : 1)
    case "findmnt" where arguments.contains("--fstab"):
      let declared = state.withLock { $0.declared }.map {
        #"{"target":"\#($0)","source":"/dev/disk/by-label/data","fstype":"ext4","options":"nofail"}"#
      }
      if declared.isEmpty { return CommandOutput(code: 1) }
      return CommandOutput(standardOutput: #"{"filesystems":[\#(declared.joined(separator: ","))]}"#)
    case "findmnt" where arguments.contains("--list"):
      return CommandOutput(standardOutput: mounted(""))
    case "findmnt": return CommandOutput(standardOutput: mounted(last))
    case "lvcreate": try makeSnapshot(arguments)
    case "lvremove":
      let gone = state.withLock { $0.volumes.removeValue(forKey: last) }
      guard let gone else { return CommandOutput(standardError: "Failed to find logical volume", code: 5) }
      if state.withLock({ $0.mounts.values.contains("/dev/" + last) }) {
        return CommandOutput(standardError: "Logical volume \(last) contains a filesystem in use.", code: 5)
      }
      try FileManager.default.removeItem(atPath: gone.folder)
    case "mount":
      let source = arguments[arguments.count - 2]
      let device = state.withLock { $0.volumes[String(source.dropFirst(5))]?.folder }
      let from = arguments.contains("--bind") ? source : device
      // A stack's own volume: its folder is its mount point.
      if from == last { return CommandOutput() }
      guard let from else {
        return CommandOutput(standardError: "mount: special device \(source) does not exist", code: 32)
      }
      for name in try FileManager.default.contentsOfDirectory(atPath: from) {
        try FileManager.default.copyItem(atPath: from + "/" + name, toPath: last + "/" + name)
      }
      state.withLock { $0.mounts[last] = source }
    case "umount":
      guard state.withLock({ $0.mounts.removeValue(forKey: last) }) != nil else {
        return CommandOutput(standardError: "umount: \(last): not mounted.", code: 32)
      }
      for name in try FileManager.default.contentsOfDirectory(atPath: last) {
        try FileManager.default.removeItem(atPath: last + "/" + name)
      }
    case "docker": return try compose(command)
    case "borg": return try borg(command)
    case "lvconvert": try merge(last)
    case "lvextend":
      let bytes = arguments.firstIndex(of: "--size").flatMap { UInt64(arguments[$0 + 1].dropLast()) }
      state.withLock { if let bytes { $0.volumes[last]?.bytes = bytes } }
    case "curl", "lvchange", "resize2fs", "chown", "sync": break
    default: return CommandOutput(standardError: "\(command.program) is not played", code: 127)
    }
    return CommandOutput()
  }

  private var listing: String {
    let rows = state.withLock { state in
      [
        row(
          "data", "pool", type: "thin-pool", data: "\(state.dataPercent)", metadata: "\(state.metadataPercent)",
          bytes: UInt64(state.poolBytes))
      ]
        + state.volumes.sorted { $0.key < $1.key }.map { name, volume in
          let parts = name.split(separator: "/").map(String.init)
          return row(
            parts[0], parts[1], type: "thin", pool: "pool", origin: volume.origin, tags: volume.tags,
            bytes: volume.bytes)
        }
    }
    return #"{"report":[{"lv":[\#(rows.joined(separator: ","))]}]}"#
  }

  private func row(
    _ group: String, _ name: String, type: String, pool: String = "", origin: String = "", data: String = "",
    metadata: String = "", tags: [String] = [], bytes: UInt64 = 10 << 30
  ) -> String {
    let mapped = "/dev/mapper/\(group)-\(name.replacingOccurrences(of: "-", with: "--"))"
    let path = type == "thin-pool" ? "" : "/dev/\(group)/\(name)"
    return #"{"vg_name":"\#(group)","lv_name":"\#(name)","lv_path":"\#(path)","lv_dm_path":"\#(mapped)","#
      + #""segtype":"\#(type)","pool_lv":"\#(pool)","origin":"\#(origin)","lv_size":"\#(bytes)","#
      + #""data_percent":"\#(data)","metadata_percent":"\#(metadata)","lv_tags":"\#(tags.joined(separator: ","))","#
      + #""lv_time":"2026-01-02 03:04:05 +0000"}"#
  }

  private func mounted(_ path: String) -> String {
    let found = state.withLock { state in
      state.volumes.compactMap { name, volume in volume.mountPoint.map { (name, $0) } }
        .filter { path == $0.1 || path.hasPrefix($0.1 + "/") }.max { $0.1.utf8.count < $1.1.utf8.count }
    }
    guard let found else { return #"{"filesystems":[{"source":"/dev/vda1","target":"/","fstype":"ext4"}]}"# }
    let mapped = found.0.replacingOccurrences(of: "-", with: "--").replacingOccurrences(of: "/", with: "-")
    return #"{"filesystems":[{"source":"/dev/mapper/\#(mapped)","target":"\#(found.1)","fstype":"ext4"}]}"#
  }

  private func makeSnapshot(_ arguments: [String]) throws {
    guard let named = arguments.firstIndex(of: "--name"), let origin = arguments.last else { return }
    let group = origin.split(separator: "/")[0]
    let name = "\(group)/\(arguments[named + 1])"
    guard let source = state.withLock({ $0.volumes[origin]?.folder }) else { throw CocoaError(.fileNoSuchFile) }
    guard state.withLock({ $0.volumes[name] == nil }) else { throw CocoaError(.fileWriteFileExists) }
    let target = file("devices-" + name.replacingOccurrences(of: "/", with: "-"))
    try FileManager.default.copyItem(atPath: source, toPath: target)
    let tags = arguments.indices.filter { arguments[$0] == "--addtag" }.map { arguments[$0 + 1] }
    state.withLock {
      $0.volumes[name] = Volume(folder: target, origin: String(origin.split(separator: "/")[1]), tags: tags)
    }
  }

  /// As `lvconvert --mergesnapshot`: what the origin holds is replaced, and the copy is used up.
  private func merge(_ name: String) throws {
    let origin = "data/" + name.dropFirst(5).split(separator: ".")[0]
    let (from, to) = state.withLock { ($0.volumes.removeValue(forKey: name)?.folder, $0.volumes[origin]?.folder) }
    guard let from, let to else { throw CocoaError(.fileNoSuchFile) }
    for child in try FileManager.default.contentsOfDirectory(atPath: to) {
      try FileManager.default.removeItem(atPath: to + "/" + child)
    }
    for child in try FileManager.default.contentsOfDirectory(atPath: from) {
      try FileManager.default.moveItem(atPath: from + "/" + child, toPath: to + "/" + child)
    }
    try FileManager.default.removeItem(atPath: from)
  }

  private func compose(_ command: Command) throws -> CommandOutput {
    // compose --project-name NAME --project-directory DIR --file FILE VERB …
    if command.arguments[0] == "network" { return CommandOutput() }
    let stack = command.arguments[2]
    // A project that is named alone has no files.
    let place = command.arguments.contains("--file") ? 7 : 3
    let rest = Array(command.arguments.dropFirst(place + 1))
    let verb = command.arguments[place]
    let named = Set(rest.filter { !$0.hasPrefix("-") && Int($0) == nil })
    let names = named.isEmpty && verb == "up" ? state.withLock { $0.services[stack] ?? [] } : named
    switch verb {
    case "ps":
      let listed = state.withLock { (rest.last == "paused" ? $0.paused : $0.running)[stack] ?? [] }
      return CommandOutput(standardOutput: listed.sorted().map { $0 + "\n" }.joined())
    case "stop": state.withLock { $0.running[stack]?.subtract(names) }
    case "start", "up":
      state.withLock { state in
        for name in names where !state.broken.contains(name) { state.running[stack, default: []].insert(name) }
      }
    case "down": state.withLock { $0.running[stack] = nil }
    case "restart": break
    case "pause":
      let failed = state.withLock { state in
        // As Docker: an error where one stands still already, and the others are paused where one fails.
        guard state.paused[stack, default: []].isDisjoint(with: names) else { return names }
        let failed = names.filter { (state.unpausable[$0] ?? 0) > 0 }
        for name in failed { state.unpausable[name, default: 0] -= 1 }
        state.running[stack]?.subtract(names.subtracting(failed))
        state.paused[stack, default: []].formUnion(names.subtracting(failed))
        return failed
      }
      if !failed.isEmpty { return CommandOutput(standardError: "OCI runtime pause failed: unable to freeze", code: 1) }
    case "unpause":
      state.withLock {
        $0.paused[stack]?.subtract(names)
        $0.running[stack, default: []].formUnion(names)
      }
    case "exec":
      if let output = command.outputFile {
        let text = state.withLock { $0.dumpText } ?? "dump of \(rest.joined(separator: " "))"
        try Data(text.utf8).write(to: URL(fileURLWithPath: output))
      } else {
        return CommandOutput(standardOutput: "pong\n")
      }
    default: return CommandOutput(standardError: "unknown docker command: \"compose \(verb)\"", code: 1)
    }
    return CommandOutput()
  }

  /// With the messages of Borg 1.2. An archive is a copy of the folders that it was made of.
  private func borg(_ command: Command) throws -> CommandOutput {
    let arguments = command.arguments
    return try state.withLock { state in
      let verb = arguments[3]
      if verb == "break-lock" {
        state.repositoryLocked = false
        return CommandOutput()
      }
      if state.repositoryLocked {
        return CommandOutput(
          standardError: #"{"type": "log_message", "message": "Failed to create/acquire the lock", "levelname": "#
            + #""ERROR", "name": "borg.archiver", "msgid": "LockTimeout"}"#, code: 2)
      }
      let place = arguments.firstIndex { $0.contains("::") } ?? arguments.count - 1
      let archive = arguments[place]
      let copy = file("archive-" + (archive.split(separator: ":").last.map(String.init) ?? ""))
      let paths = arguments.dropFirst(place + 1)
      switch verb {
      case "create": break
      case "compact":
        return CommandOutput(
          standardError: #"{"type": "log_message", "message": "compaction freed about 528 B repository space.", "#
            + #""levelname": "INFO", "name": "borg.repository"}"#)
      case "info" where archive.contains("::"):
        return CommandOutput(standardOutput: #"{"archives":[{"stats":{"original_size":10}}]}"#)
      case "extract":
        try Self.copy(paths, from: copy, to: command.workingDirectory ?? "/")
        return CommandOutput()
      default:
        let names = state.archives.filter { $0.hasPrefix(archive + "::") }.map { $0.dropFirst(archive.count + 2) }
        let list = names.map { #"{"name":"\#($0)","start":"2026-01-02T03:04:05.000000"}"# }.joined(separator: ",")
        return CommandOutput(standardOutput: #"{"archives":[\#(list)]}"#)
      }
      // As a Borg leaves it that is killed at work.
      if case .after? = death.withLock({ $0.at }), death.withLock({ $0.at == .after($0.count - 1) }) {
        state.repositoryLocked = true
      }
      try Self.copy(paths, from: command.workingDirectory ?? "/", to: copy)
      state.archives.append(archive)
      return CommandOutput(
        standardOutput: #"{"archive":{"stats":{"original_size":10,"deduplicated_size":5,"nfiles":2}}}"#)
    }
  }

  private static func copy(_ paths: ArraySlice<String>, from: String, to target: String) throws {
    for path in paths {
      let url = URL(fileURLWithPath: target + "/" + path)
      try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try FileManager.default.copyItem(atPath: from + "/" + path, toPath: url.path)
    }
  }
}
