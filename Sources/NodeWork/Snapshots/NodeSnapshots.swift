import Glibc
import ProgramRunner
import StackSet

/// Snapshots of stacks, whatever their data lies on.
public struct NodeSnapshots: Sendable {
  let providers: [any SnapshotProvider]
  let runner: any CommandRunner

  public init(providers: [any SnapshotProvider], runner: any CommandRunner) {
    self.providers = providers
    self.runner = runner
  }

  /// Those whose programs are on this machine.
  public static func found(runner: any CommandRunner) -> NodeSnapshots {
    let folders = getenv("PATH").map { String(cString: $0) }?.split(separator: ":").map(String.init) ?? []
    func isThere(_ program: String) -> Bool { folders.contains { DurableFile.exists($0 + "/" + program) } }
    var providers: [any SnapshotProvider] = []
    if isThere("lvs") { providers.append(ThinSnapshots(runner: runner)) }
    if isThere("zfs") { providers.append(ZFSSnapshots(runner: runner)) }
    return NodeSnapshots(providers: providers, runner: runner)
  }

  func provider(_ kind: Snapshot.Provider) throws(NodeWorkError) -> any SnapshotProvider {
    guard let provider = providers.first(where: { $0.kind == kind }) else {
      throw NodeWorkError(
        .noSnapshots, "this machine has no \(kind.rawValue)", advice: "install its programs (lvm2 or zfs)")
    }
    return provider
  }

  /// What a path lies on.
  func origin(of path: String) async throws(NodeWorkError) -> SnapshotOrigin {
    let mounted = try await MountedFileSystem.holding(path, runner: runner)
    for provider in providers {
      if let origin = try await provider.origin(of: mounted) { return origin }
    }
    throw NodeWorkError(
      .noSnapshots, "\(path) lies on \(mounted.fstype) on \(mounted.source), of which there are no snapshots",
      advice: "put it on a thin volume or a ZFS data set: bootstead.stacks.placement names the folder")
  }

  /// What the volumes of a stack lie on, each once.
  func origins(of volumes: [StackVolume]) async throws(NodeWorkError) -> [SnapshotOrigin] {
    var origins: [SnapshotOrigin] = []
    for volume in volumes {
      let origin = try await origin(of: volume.path)
      if !origins.contains(origin) { origins.append(origin) }
    }
    return origins
  }

  public func pools() async throws(NodeWorkError) -> [PoolUse] {
    var pools: [PoolUse] = []
    for provider in providers { pools += try await provider.pools() }
    return pools
  }

  /// - Throws: kind `poolFull`.
  func checkRoom(for origins: [SnapshotOrigin]) async throws(NodeWorkError) {
    let names = Set(origins.map(\.pool))
    guard let full = try await pools().first(where: { names.contains($0.name) && $0.isFull }) else { return }
    let metadata = full.metadataPercent.map { ", its metadata to \(PoolUse.text($0)) %" } ?? ""
    throw NodeWorkError(
      .poolFull, "the pool \(full.name) is full to \(PoolUse.text(full.dataPercent)) %\(metadata): no snapshot is made",
      advice: "extend the pool, or remove data or snapshots; services run on until it is full")
  }

  /// Whether this machine has LVM.
  public var hasThin: Bool { has(.thin) }

  /// Whether there is a provider of this kind.
  func has(_ kind: Snapshot.Provider) -> Bool { providers.contains { $0.kind == kind } }

  /// - Parameter about: is told what is about to be made, before the first of them is.
  public func create(
    stack: CompiledStack, label: String, purpose: Snapshot.Purpose = .manual,
    about: ([Snapshot]) throws(NodeWorkError) -> Void = { _ in }
  ) async throws(NodeWorkError) -> [Snapshot] {
    try Snapshot.check(label: label)
    let origins = try await origins(of: stack.volumes.filter { !$0.isShared })
    try await checkRoom(for: origins)
    if try await list().contains(where: { $0.purpose == purpose && $0.stack == stack.name && $0.label == label }) {
      throw NodeWorkError(
        .storage, "\(stack.name) has a snapshot “\(label)” already", advice: "destroy it first, or take another name")
    }
    let wanted = origins.map { $0.snapshot(purpose, stack: stack.name, label: label) }
    try about(wanted)
    var made: [Snapshot] = []
    do {
      for snapshot in wanted {
        made.append(snapshot)
        try await provider(snapshot.provider).create(snapshot)
      }
    } catch {
      // All or none.
      var left: [String] = []
      for snapshot in made {
        do {
          try await destroy(snapshot)
        } catch {
          left.append("\(error)")
        }
      }
      guard left.isEmpty else {
        throw NodeWorkError(
          .unfinished, "\(error.problem); and what was made before stays: \(left.joined(separator: "; "))",
          advice: "it is tried again by 'bootstead-agent backup recover'")
      }
      throw error
    }
    return made
  }

  public func list() async throws(NodeWorkError) -> [Snapshot] {
    var all: [Snapshot] = []
    for provider in providers { all += try await provider.list() }
    return all
  }

  public func destroy(_ snapshot: Snapshot) async throws(NodeWorkError) {
    try await provider(snapshot.provider).destroy(snapshot)
  }

  /// Those of one name, made by hand or by a plan.
  func named(stack: String, label: String) async throws(NodeWorkError) -> [Snapshot] {
    let found = try await list().filter {
      ($0.purpose == .manual || $0.purpose == .scheduled) && $0.stack == stack && $0.label == label
    }
    guard !found.isEmpty else {
      throw NodeWorkError(
        .storage, "\(stack) has no snapshot “\(label)”", advice: "see 'bootstead-agent snapshot list'")
    }
    return found
  }

  public func destroy(stack: String, label: String) async throws(NodeWorkError) -> [Snapshot] {
    let found = try await named(stack: stack, label: label)
    for snapshot in found { try await destroy(snapshot) }
    return found
  }
}
