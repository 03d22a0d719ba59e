import FoundationEssentials
import ProgramRunner
import StackSet

/// Lays folders out for a copy, with the file systems below them: each from a snapshot where there are snapshots of it, and
/// as it is where not.
struct FolderTree {
  let engine: BackupEngine
  let runner: any CommandRunner
  let plan: String
  let run: String

  /// By path.
  private(set) var failures: [String: NodeWorkError] = [:]
  /// By path.
  private(set) var notes: [String: [String]] = [:]
  /// Mount points of file systems that are read while they are written to.
  private(set) var live: Set<String> = []

  /// One file system that a folder lies on, or that is mounted below it.
  private struct Part {
    /// Where it begins on the machine: the folder itself, or a mount point below it.
    var path: String
    var origin: SnapshotOrigin?
  }

  private struct Table: Decodable { var filesystems: [MountedFileSystem] }

  /// What is no data: mounted below a folder it stays out.
  private static let kernelTypes: Set<String> = [
    "autofs", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts", "devtmpfs", "fusectl", "hugetlbfs", "mqueue",
    "nsfs", "overlay", "proc", "pstore", "ramfs", "rpc_pipefs", "securityfs", "sysfs", "tmpfs", "tracefs",
  ]

  init(engine: BackupEngine, runner: any CommandRunner, plan: String, run: String) {
    self.engine = engine
    self.runner = runner
    self.plan = plan
    self.run = run
  }

  /// - Parameters:
  ///   - folder: where mount points are made.
  ///   - journal: gets each snapshot and each mount before it is made, and is written to a file.
  mutating func layOut(
    _ paths: [String], in folder: String, journal: inout BackupJournal, at file: String
  ) async throws(NodeWorkError) -> [ReadyFolder] {
    let table = try await mounted()
    var parts: [String: [Part]] = [:]
    for path in paths {
      do {
        parts[path] = try await self.parts(of: path, table)
      } catch {
        failures[path] = error
      }
    }
    // All snapshots first: they are to be of one moment, as far as that goes.
    var snapshots: [String: Snapshot] = [:]
    for origin in parts.sorted(by: { $0.key < $1.key }).flatMap({ $0.value.compactMap(\.origin) })
    where snapshots[origin.name] == nil {
      let snapshot = origin.snapshot(.backup, stack: plan, label: run)
      journal.step = .snapshot
      journal.snapshots.append(snapshot)
      try DurableFile.writeJSON(journal, to: file)
      try await engine.snapshots.provider(snapshot.provider).create(snapshot)
      snapshots[origin.name] = snapshot
    }
    journal.step = .mount
    var ready: [ReadyFolder] = []
    for (number, path) in paths.enumerated() {
      guard let parts = parts[path] else { continue }
      let place = ReadyFolder(path: path, root: "\(folder)/\(number)")
      for part in parts {
        try await mount(part, part.origin.flatMap { snapshots[$0.name] }, of: place, &journal, file)
      }
      ready.append(place)
    }
    return ready
  }

  private func mounted() async throws(NodeWorkError) -> [MountedFileSystem] {
    let command = Command("findmnt", ["--json", "--list", "--output", "SOURCE,TARGET,FSTYPE"])
    let output = try await runner.work(command, .storage)
    guard let table = try? JSONDecoder().decode(Table.self, from: Data(output.standardOutput.utf8)) else {
      throw NodeWorkError(.storage, "findmnt says about what is mounted what can not be read")
    }
    return table.filesystems
  }

  /// The folder's own first; what is mounted on another comes after it.
  private mutating func parts(of path: String, _ table: [MountedFileSystem]) async throws(NodeWorkError) -> [Part] {
    var places = [path]
    for row in table where !Self.kernelTypes.contains(row.fstype) {
      guard let below = BackupRun.path(row.target, below: path), !below.isEmpty, !places.contains(row.target),
        // The runs' own, and none of what is in them is data.
        BackupRun.path(row.target, below: engine.folders.backups) == nil
      else { continue }
      places.append(row.target)
    }
    var parts: [Part] = []
    for place in places.sorted(by: { $0.utf8.count < $1.utf8.count }) {
      do {
        let origin = try await engine.snapshots.origin(of: place)
        try await engine.snapshots.checkRoom(for: [origin])
        parts.append(Part(path: place, origin: origin))
      } catch  where error.kind == .noSnapshots {
        live.insert(place)
        notes[path, default: []].append("\(place) was read while it was in use: there are no snapshots of it")
        parts.append(Part(path: place, origin: nil))
      }
    }
    return parts
  }

  private func mount(
    _ part: Part, _ snapshot: Snapshot?, of place: ReadyFolder, _ journal: inout BackupJournal, _ file: String
  ) async throws(NodeWorkError) {
    let target = place.root + part.path
    // Mount points of inner parts are in the outer ones already.
    if part.path == place.path { try DurableFile.makeFolder(target, mode: 0o755) }
    var source = part.path
    if let snapshot, let origin = part.origin {
      guard let below = BackupRun.path(part.path, below: origin.mountPoint) else {
        throw NodeWorkError(.storage, "\(part.path) is not below \(origin.mountPoint), which it lies on")
      }
      let command = try engine.snapshots.provider(snapshot.provider)
      if below.isEmpty {
        try note(target, &journal, file)
        try await runner.work(command.mount(snapshot, at: target), .storage)
        return
      }
      let whole = place.root + ".whole"
      try DurableFile.makeFolder(whole)
      try note(whole, &journal, file)
      try await runner.work(command.mount(snapshot, at: whole), .storage)
      source = whole + below
    }
    try note(target, &journal, file)
    // Private: what is mounted in it must not appear in the folder that people work with.
    try await runner.work(Command("mount", ["--make-private", "--bind", source, target]), .storage)
  }

  private func note(_ path: String, _ journal: inout BackupJournal, _ file: String) throws(NodeWorkError) {
    journal.mounts.append(path)
    try DurableFile.writeJSON(journal, to: file)
  }
}
