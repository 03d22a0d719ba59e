import ProgramRunner
public import AgentProtocol
import DiskLayout
import NodeFiles

/// Erases the disks of a machine that is given away.
public protocol DiskWiping: Sendable {
  /// - Returns: stable names, each with how the disk was erased.
  /// - Throws: before the first write where one of the disks may not be erased.
  func wipe(_ task: WipeTask, say: @escaping @Sendable (String) -> Void) async throws -> [String: String]
}

/// Why a disk was not erased.
public enum WipeRefusal: Error, Sendable, Hashable, CustomStringConvertible {
  case notFound(disk: String, present: [String])
  case notUnique(disk: String)
  case otherSerial(disk: String, expected: String?, found: String?)
  case notWritable(disk: String, reason: String)
  case notErased(disk: String, detail: String)

  public var description: String {
    switch self {
    case .notFound(let disk, let present):
      "\(disk) is not in this machine, so no disk was erased. It has: "
        + (present.isEmpty ? "no disks" : present.joined(separator: "; "))
    case .notUnique(let disk): "two disks have the name \(disk), so no disk was erased"
    case .otherSerial(let disk, let expected, let found):
      "\(disk): expected \(expected.map { "serial number \($0)" } ?? "no serial number"), found "
        + "\(found.map { "serial number \($0)" } ?? "no serial number"); no disk was erased"
    case .notWritable(let disk, let reason): "\(disk) can not be erased: \(reason); no disk was erased"
    case .notErased(let disk, let detail): "\(disk) was erased, but \(detail)"
    }
  }
}

/// Discards a disk's content where it can; removes what makes it recognisable everywhere.
public struct DiskWiper: DiskWiping {
  private let runner: any CommandRunner
  private let source: any DiskSource
  private let reader: any ZeroReading
  private let hasUdev: Bool

  public init(
    runner: any CommandRunner = SubprocessRunner(), source: any DiskSource = InventoryReader(),
    reader: any ZeroReading = VolumeReader(), hasUdev: Bool = FileSystemEntry("/run/udev/control").exists
  ) {
    self.runner = runner
    self.source = source
    self.reader = reader
    self.hasUdev = hasUdev
  }

  public func wipe(_ task: WipeTask, say: @escaping @Sendable (String) -> Void) async throws -> [String: String] {
    // All of them, before the first write: a task that names one wrong disk is not meant for this machine.
    for wanted in task.disks { try check(try find(wanted), wanted) }
    var erased: [String: String] = [:]
    for wanted in task.disks {
      let disk = try find(wanted)
      try await letGo(of: disk)
      // What used it was ours and is gone now; anything else stays where it is.
      let now = try find(wanted)
      guard now.users.isEmpty else {
        throw WipeRefusal.notWritable(disk: now.id, reason: "it is in use by \(now.users.joined(separator: ", "))")
      }
      say("erasing \(now.summary)")
      erased[wanted.identifier] = try await erase(now)
      guard try find(wanted).contents.isBlank else {
        throw WipeRefusal.notErased(
          disk: now.id, detail: "still shows " + (try find(wanted).contents.findings.joined(separator: "; ")))
      }
      say("erased \(now.id) (\(erased[wanted.identifier] ?? ""))")
    }
    return erased
  }

  // MARK: Which disk

  private func find(_ wanted: WipeDisk) throws -> Disk {
    let found = source.disks(withID: wanted.identifier)
    guard let disk = found.first else {
      throw WipeRefusal.notFound(disk: wanted.identifier, present: source.disks().disks.map(\.summary))
    }
    guard found.count == 1 else { throw WipeRefusal.notUnique(disk: wanted.identifier) }
    return disk
  }

  private func check(_ disk: Disk, _ wanted: WipeDisk) throws {
    guard disk.serial == wanted.serial else {
      throw WipeRefusal.otherSerial(disk: disk.id, expected: wanted.serial, found: disk.serial)
    }
    if disk.isBootMedium { throw WipeRefusal.notWritable(disk: disk.id, reason: "the machine was started from it") }
    if disk.isReadOnly { throw WipeRefusal.notWritable(disk: disk.id, reason: "it is read-only") }
    if disk.size == 0 { throw WipeRefusal.notWritable(disk: disk.id, reason: "it has no medium") }
    // A mount or a foreign array is somebody's; LVM's devices may be our own.
    let mounts = disk.users.filter { $0.hasPrefix("mount ") || $0.hasPrefix("swap ") }
    if !mounts.isEmpty {
      throw WipeRefusal.notWritable(disk: disk.id, reason: "it is in use by \(mounts.joined(separator: ", "))")
    }
  }

  /// Deactivates a volume group of ours on the disk.
  private func letGo(of disk: Disk) async throws {
    guard !disk.users.isEmpty else { return }
    let nodes = source.partitionNodes(of: disk)
    for partition in disk.contents.partitions {
      let groups = partition.signatures.compactMap(\.volumeGroup)
      guard let group = groups.first(where: { $0.tags.contains(PlannedVolumeGroup.tag) }),
        let node = nodes[partition.number]?.path
      else { continue }
      try await runner.run(Command("lvm", ["vgchange", "--devices", node, "--activate", "n", group.name]))
    }
  }

  // MARK: Erasing

  private func erase(_ disk: Disk) async throws -> String {
    for node in source.partitionNodes(of: disk).values.sorted(by: { $0.path < $1.path }) {
      try await runner.run(Command("wipefs", ["--all", "--force", "--lock=yes", node.path]))
    }
    try await runner.run(Command("wipefs", ["--all", "--force", "--lock=yes", disk.node]))
    try await settle()
    do {
      try await runner.run(Command("blkdiscard", [disk.node], timeout: .seconds(3600)))
      // A disk may take a discard as a hint and give back what was there.
      if try await reader.isZero(device: disk.node, size: disk.size) { return "discard" }
    } catch is CommandFailure {
      // No disk has to know how to discard: then what makes its content recognisable goes.
    }
    // Both ends hold partition tables, their backups, and the metadata of RAID and ZFS.
    let last = disk.size > 1 << 20 ? (disk.size >> 20) - 1 : 0
    for place in [0, last] {
      try await runner.run(
        Command("dd", ["if=/dev/zero", "of=\(disk.node)", "bs=1M", "count=1", "seek=\(place)", "conv=notrunc"]))
    }
    try await runner.run(Command("blockdev", ["--flushbufs", disk.node]))
    try await settle()
    return "signatures"
  }

  private func settle() async throws {
    guard hasUdev else { return }
    try await runner.run(Command("udevadm", ["settle", "--timeout=120"], timeout: .seconds(150)))
  }
}

/// Tells whether a device reads as zeros.
public protocol ZeroReading: Sendable {
  /// Reads the same places as a sampled fingerprint.
  func isZero(device path: String, size: UInt64) async throws -> Bool
}
