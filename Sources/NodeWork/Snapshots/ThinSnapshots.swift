import ProgramRunner
import StackSet

/// Snapshots of LVM's thin volumes.
public struct ThinSnapshots: SnapshotProvider {
  private static let tag = "bootstead.snapshot"
  private let runner: any CommandRunner

  public init(runner: any CommandRunner) { self.runner = runner }

  public var kind: Snapshot.Provider { .thin }

  public func origin(of mounted: MountedFileSystem) async throws(NodeWorkError) -> SnapshotOrigin? {
    guard mounted.source.hasPrefix("/dev/") else { return nil }
    let volumes = try await LogicalVolume.all(runner)
    guard
      let volume = volumes.first(where: { $0.mapperPath == mounted.source || $0.path == mounted.source }),
      volume.segmentType == "thin"
    else { return nil }
    guard ["ext4", "xfs"].contains(mounted.fstype) else {
      throw NodeWorkError(
        .noSnapshots, "\(mounted.target) is \(mounted.fstype) on the thin volume \(volume.group)/\(volume.name)",
        advice: "a snapshot of it can not be mounted beside it; put the data on ext4 or xfs")
    }
    return SnapshotOrigin(
      provider: .thin, name: "\(volume.group)/\(volume.name)", fileSystem: mounted.fstype,
      mountPoint: mounted.target, pool: "\(volume.group)/\(volume.pool)")
  }

  public func pools() async throws(NodeWorkError) -> [PoolUse] {
    try await LogicalVolume.all(runner).filter { $0.segmentType == "thin-pool" }.map {
      PoolUse(
        name: "\($0.group)/\($0.name)", provider: .thin, bytes: $0.bytes, dataPercent: $0.dataPercent ?? 0,
        metadataPercent: $0.metadataPercent)
    }
  }

  public func create(_ snapshot: Snapshot) async throws(NodeWorkError) {
    // LVM freezes the file system for it, so that it needs no repair. A thin snapshot is not activated at the next
    // start unless it is asked for: here it is needed at once.
    var arguments = ["--yes", "--snapshot", "--setactivationskip", "n", "--permission", "r"]
    for tag in tags(snapshot) { arguments += ["--addtag", tag] }
    arguments += ["--name", leaf(snapshot.name), snapshot.origin]
    try await runner.work(Command("lvcreate", arguments), .storage)
  }

  public func mount(_ snapshot: Snapshot, at path: String) -> Command {
    // The journal is not replayed, because nothing may be written. XFS knows the origin by the same UUID.
    let options = snapshot.fileSystem == "xfs" ? "ro,nouuid,norecovery" : "ro,noload"
    return Command("mount", ["-t", snapshot.fileSystem, "-o", options, "/dev/" + snapshot.name, path])
  }

  public func list() async throws(NodeWorkError) -> [Snapshot] {
    try await LogicalVolume.all(runner).compactMap { volume in
      guard volume.tags.contains(Self.tag) else { return nil }
      func value(_ name: String) -> String? {
        volume.tags.first { $0.hasPrefix("bootstead.\(name).") }.map { String($0.dropFirst(name.utf8.count + 11)) }
      }
      guard
        let purpose = value("purpose").flatMap(Snapshot.Purpose.init(rawValue:)), let stack = value("stack"),
        let label = value("label"), let fileSystem = value("fs"), let origin = value("origin")
      else { return nil }
      return Snapshot(
        provider: .thin, origin: "\(volume.group)/\(origin)", name: "\(volume.group)/\(volume.name)",
        purpose: purpose, stack: stack, label: label, fileSystem: fileSystem, created: volume.created)
    }
  }

  /// Nothing stands in the way of LVM but what shows when services are stopped: a file that is open.
  public func checkRollBack(to snapshot: Snapshot) async throws(NodeWorkError) {}

  public func rollBack(to snapshot: Snapshot, mountPoint: String) async throws(NodeWorkError) {
    let copy = snapshot.origin + ".rollback"
    try await MountedFileSystem.unmount(mountPoint, runner: runner)
    do {
      // Merging uses a snapshot up: a copy of it is merged, so that it is there for another time.
      try await remove(copy)
      try await runner.work(
        Command(
          "lvcreate",
          ["--yes", "--snapshot", "--permission", "rw", "--name", leaf(copy), snapshot.name]), .storage)
      try await runner.work(Command("lvchange", ["--activate", "n", snapshot.origin]), .storage)
      try await merge(copy)
    } catch {
      throw await mountedAgain(snapshot, copy, mountPoint, after: error)
    }
    do {
      try await mount(snapshot, mountPoint)
    } catch {
      throw NodeWorkError(
        .unfinished, "\(snapshot.origin) went back, and could not be mounted at \(mountPoint): \(error.problem)")
    }
  }

  private func merge(_ copy: String) async throws(NodeWorkError) {
    do {
      try await runner.work(Command("lvconvert", ["--yes", "--mergesnapshot", copy]), .storage)
    } catch {
      // What was merged is not there any more, whatever LVM said afterwards.
      if try await isThere(copy) { throw error }
    }
  }

  /// Takes back what was begun of a rollback that merged nothing.
  /// - Returns: the failure, or that it is not mounted.
  private func mountedAgain(
    _ snapshot: Snapshot, _ copy: String, _ mountPoint: String, after failure: NodeWorkError
  ) async -> NodeWorkError {
    do {
      try await mount(snapshot, mountPoint)
    } catch {
      return NodeWorkError(
        .unfinished, "\(failure.problem); and it could not be mounted again at \(mountPoint): \(error.problem)")
    }
    do {
      try await remove(copy)
    } catch {
      return NodeWorkError(failure.kind, "\(failure.problem); \(copy) stays: \(error.problem)", advice: failure.advice)
    }
    return failure
  }

  private func mount(_ snapshot: Snapshot, _ mountPoint: String) async throws(NodeWorkError) {
    try await runner.work(Command("lvchange", ["--activate", "y", snapshot.origin]), .storage)
    try await runner.work(
      Command("mount", ["-t", snapshot.fileSystem, "/dev/" + snapshot.origin, mountPoint]), .storage)
  }

  private func isThere(_ name: String) async throws(NodeWorkError) -> Bool {
    try await LogicalVolume.all(runner).contains { "\($0.group)/\($0.name)" == name }
  }

  private func remove(_ copy: String) async throws(NodeWorkError) {
    if try await isThere(copy) { try await runner.work(Command("lvremove", ["--yes", copy]), .storage) }
  }

  public func destroy(_ snapshot: Snapshot) async throws(NodeWorkError) {
    let volumes = try await LogicalVolume.all(runner)
    guard let volume = volumes.first(where: { "\($0.group)/\($0.name)" == snapshot.name }) else { return }
    // Whatever a journal or an operator names: only what was made as a snapshot goes.
    guard volume.tags.contains(Self.tag) else {
      throw NodeWorkError(.storage, "\(snapshot.name) is no snapshot of Bootstead's; it stays")
    }
    try await runner.work(Command("lvremove", ["--yes", snapshot.name]), .storage)
  }

  private func leaf(_ name: String) -> String { String(name.split(separator: "/").last ?? "") }

  private func tags(_ snapshot: Snapshot) -> [String] {
    [
      Self.tag, "bootstead.purpose.\(snapshot.purpose.rawValue)", "bootstead.stack.\(snapshot.stack)",
      "bootstead.label.\(snapshot.label)", "bootstead.fs.\(snapshot.fileSystem)",
      "bootstead.origin.\(leaf(snapshot.origin))",
    ]
  }
}
