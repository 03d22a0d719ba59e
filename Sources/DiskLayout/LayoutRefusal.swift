/// Why no plan was made: which disk, which numbers, and what to do.
public enum LayoutRefusal: Error, Codable, Sendable, Hashable {
  /// The specification itself makes no sense.
  case invalidSpec(field: String, problem: String)
  /// The machine shows no disk at all.
  case noDisks(raidControllers: [StorageController])
  /// Disks are there, and none may be used without being named.
  case noneEligible([DiskVerdict])
  /// Several disks would do equally well.
  case ambiguous([String])
  /// The named disk is not there.
  case notFound(wanted: String, present: [String])
  /// The name fits several disks.
  case nameNotUnique(wanted: String, matches: [String])
  /// The disk may never be written to.
  case forbidden(disk: String, reason: String)
  /// Something on this machine uses the disk right now.
  case inUse(disk: String, users: [String])
  /// What is on the disk belongs to somebody else.
  case foreignContent(disk: String, consentName: String, findings: [String])
  /// The disk carries this machine's partitions, in another form than planned.
  case laidOutDifferently(disk: String, consentName: String, found: [String])
  /// The data volume group that must be kept is not on the disk.
  case dataMissing(disk: String, consentName: String, expected: String, findings: [String])
  /// Another disk carries a volume group of the same name: the node could not tell the two apart.
  case groupNameTaken(name: String, disk: String)
  /// The disk carries the data of another Bootstead machine.
  case otherMachinesDisk(disk: String, consentName: String, machine: String, group: String)
  /// Nothing sensible fits. Sizes in bytes.
  case tooSmall(disk: String, size: UInt64, needed: UInt64)
  case systemTooSmall(asked: UInt64, floor: UInt64)
  case systemTooLarge(disk: String, asked: UInt64, available: UInt64)
  case unusableGeometry(disk: String, problem: String)
  /// Thin pool metadata would pass LVM's limit. Sizes in bytes.
  case metadataTooLarge(disk: String, chunkSize: UInt64, needed: UInt64, limit: UInt64)
  /// Sizes in bytes.
  case volumesTooLarge(disk: String, asked: UInt64, pool: UInt64)
}

/// A disk and why it was not taken.
public struct DiskVerdict: Codable, Sendable, Hashable {
  public var disk: String
  public var reason: String

  public init(disk: String, reason: String) {
    self.disk = disk
    self.reason = reason
  }
}

extension LayoutRefusal: CustomStringConvertible {
  public var description: String {
    switch self {
    case .invalidSpec(let field, let problem):
      return "The layout's \(field) is not usable: \(problem)."
    case .noDisks(let controllers) where controllers.isEmpty:
      return
        "The machine shows no disk. Check that one is connected, and that its controller is switched on in the firmware setup."
    case .noDisks(let controllers):
      let list = controllers.map { "\($0.address) (\($0.device))" }.joined(separator: ", ")
      return "The machine shows no disk, but its storage controller is in RAID mode: \(list). "
        + "Set the SATA mode to AHCI (or switch RST/VMD off) in the firmware setup; a system on this disk may need that mode to start."
    case .noneEligible(let verdicts):
      return "No disk may be used without being named:" + Self.list(verdicts.map { "\($0.disk): \($0.reason)" })
        + "\nName the disk in the layout to use it."
    case .ambiguous(let disks):
      return "\(disks.count) disks would do equally well:" + Self.list(disks) + "\nName one of them in the layout."
    case .notFound(let wanted, let present):
      return "\(Self.sentence(wanted.printable)) is not in this machine. It has:"
        + Self.list(present.isEmpty ? ["no disks"] : present)
    case .nameNotUnique(let wanted, let matches):
      return "\(Self.sentence(wanted.printable)) is not one disk but \(matches.count):" + Self.list(matches)
        + "\nName it by its stable name instead."
    case .forbidden(let disk, let reason):
      return "\(disk) cannot be the system disk: \(reason)."
    case .inUse(let disk, let users):
      return "\(disk) is in use by \(users.map(\.printable).joined(separator: ", ")). Stop what uses it, and try again."
    case .foreignContent(let disk, let consentName, let findings):
      return "\(disk) is not empty, and what is on it was not made for this machine:" + Self.list(findings)
        + "\nIf all of it may be destroyed, allow it for “\(consentName.printable)”."
    case .laidOutDifferently(let disk, let consentName, let found):
      return "\(disk) carries this machine's partitions, but not in a form that can be taken over:" + Self.list(found)
        + "\nIf all of it may be destroyed, allow it for “\(consentName.printable)”."
    case .dataMissing(let disk, let consentName, let expected, let findings):
      return "The data volume group \(expected) is not on \(disk). Found:"
        + Self.list(findings.isEmpty ? ["nothing"] : findings)
        + "\nNothing was changed. If the data may be given up, allow to lose it for “\(consentName.printable)”."
    case .groupNameTaken(let name, let disk):
      return "\(disk) carries a volume group “\(name)” already, and two groups of one name cannot be used together. "
        + "Give the layout's group another name, or remove that disk."
    case .otherMachinesDisk(let disk, let consentName, let machine, let group):
      return "\(disk) carries the volume group “\(group.printable)” of another Bootstead machine, "
        + "“\(machine.printable)”. It is left as it is. Take it out; or, if the data of \(machine.printable) on it may be "
        + "destroyed, erase it: bootstead machine wipe NAME --disk \(consentName.printable)."
    case .tooSmall(let disk, let size, let needed):
      return "\(disk) is too small: \(ByteSize.text(size)) (\(size) bytes), and the least that makes sense is "
        + "\(ByteSize.text(needed)) (\(needed) bytes): 1 GiB to start from, 8 GiB for the system, 4 GiB for data."
    case .systemTooSmall(let asked, let floor):
      return "A system partition of \(ByteSize.text(asked)) is too small: \(ByteSize.text(floor)) is the least."
    case .systemTooLarge(let disk, let asked, let available):
      return "A system partition of \(ByteSize.text(asked)) does not fit on \(disk): "
        + "\(ByteSize.text(available)) is the most that leaves 4 GiB for data."
    case .unusableGeometry(let disk, let problem):
      return "\(disk) cannot be laid out: \(problem)."
    case .metadataTooLarge(let disk, let chunk, let needed, let limit):
      return
        "A pool with chunks of \(ByteSize.text(chunk)) on \(disk) needs \(ByteSize.text(needed)) of metadata, and LVM takes "
        + "no more than \(ByteSize.text(limit)). Choose a larger chunk size, or none to have it computed."
    case .volumesTooLarge(let disk, let asked, let pool):
      return "The volumes ask for \(ByteSize.text(asked)), and the pool on \(disk) holds \(ByteSize.text(pool)). "
        + "Make them smaller, or allow overcommitment."
    }
  }

  private static func list(_ lines: [String]) -> String { lines.map { "\n  - \($0)" }.joined() }

  private static func sentence(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }
}
