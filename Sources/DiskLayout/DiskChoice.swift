/// Which disk gets the system.
struct DiskChoice {
  var disk: Disk
  var notes: [String]

  /// - Parameters:
  ///   - data: the disk that gets the data and not the system.
  ///   - isOwn: tells whether a disk carries this machine's own partitions.
  init(
    inventory: DiskInventory, spec: LayoutSpec, consent: Consent, without data: Disk? = nil, isOwn: (Disk) -> Bool
  ) throws(LayoutRefusal) {
    guard !inventory.disks.isEmpty else { throw .noDisks(raidControllers: inventory.raidControllers) }
    if spec.systemDisk == .automatic {
      self = try Self.automatic(inventory, consent, without: data, isOwn)
    } else {
      self = try DiskChoice(named: spec.systemDisk, in: inventory)
      if disk == data {
        throw .invalidSpec(field: "data disk", problem: "\(disk.id) is named as the system disk too")
      }
    }
  }

  /// The disk with this name.
  init(named wanted: SystemDisk, in inventory: DiskInventory) throws(LayoutRefusal) {
    guard !inventory.disks.isEmpty else { throw .noDisks(raidControllers: inventory.raidControllers) }
    self = try Self.named(wanted, inventory) { disk in
      switch wanted {
      case .automatic: false
      case .id(let id): disk.id == id || disk.aliases.contains(id)
      case .serial(let serial): disk.serial == serial
      }
    }
  }

  private init(disk: Disk, notes: [String]) {
    self.disk = disk
    self.notes = notes
  }

  private static func named(
    _ wanted: SystemDisk, _ inventory: DiskInventory, _ matches: (Disk) -> Bool
  ) throws(LayoutRefusal) -> DiskChoice {
    let found = inventory.disks.filter(matches)
    guard let disk = found.first else {
      throw .notFound(wanted: wanted.description, present: inventory.disks.map(\.summary))
    }
    guard found.count == 1 else {
      throw .nameNotUnique(wanted: wanted.description, matches: found.map(\.summary))
    }
    if let reason = never(disk) { throw .forbidden(disk: disk.summary, reason: reason) }
    var notes = ["\(disk.id) was named by the layout."]
    if disk.bus.isExternal || disk.isRemovable {
      notes.append("It can be unplugged (\(disk.bus.rawValue)): the machine does not start without it.")
    }
    return DiskChoice(disk: disk, notes: notes)
  }

  private static func automatic(
    _ inventory: DiskInventory, _ consent: Consent, without data: Disk?, _ isOwn: (Disk) -> Bool
  ) throws(LayoutRefusal) -> DiskChoice {
    var verdicts: [DiskVerdict] = []
    var eligible: [Disk] = []
    for disk in inventory.disks {
      if disk == data {
        verdicts.append(DiskVerdict(disk: disk.summary, reason: "it is the data disk"))
      } else if let reason = never(disk) ?? unlessNamed(disk) {
        verdicts.append(DiskVerdict(disk: disk.summary, reason: reason))
      } else {
        eligible.append(disk)
      }
    }
    guard !eligible.isEmpty else { throw .noneEligible(verdicts) }

    // An install that was cut off goes on where it began, whatever was plugged in since.
    let own = eligible.filter(isOwn)
    if !own.isEmpty {
      return try only(of: own, because: "it carries this machine's own partitions")
    }
    // Foreign content that nobody allowed to destroy keeps a disk out as long as there is another one.
    let usable = eligible.filter {
      $0.users.isEmpty && ($0.contents.isBlank || consent.allowsWipe(of: $0, in: inventory))
    }
    if usable.isEmpty {
      // The planner's own checks say what is in the way of this one.
      return try only(of: best(of: eligible), because: "no other disk may be the system disk")
    }
    var choice = try only(of: best(of: usable), because: "it fits best of those that may be used")
    for disk in eligible where !usable.contains(disk) {
      choice.notes.append("\(disk.id) is left alone: it is not empty.")
    }
    return choice
  }

  private static func only(of disks: [Disk], because reason: String) throws(LayoutRefusal) -> DiskChoice {
    guard let disk = disks.first, disks.count == 1 else { throw .ambiguous(disks.map(\.summary)) }
    return DiskChoice(disk: disk, notes: ["\(disk.id) was chosen: \(reason)."])
  }

  private static func best(of disks: [Disk]) -> [Disk] {
    let top = disks.map(rank).min()
    return disks.filter { rank($0) == top }
  }

  /// Lower is better. Disks of one rank would do equally well, whatever their sizes: only a person knows which of two
  /// is meant for data.
  private static func rank(_ disk: Disk) -> Int {
    switch disk.bus {
    case .nvme: 0
    case .virtio: 1
    case .sata, .sas, .scsi, .other, .usb, .sdCard: disk.isRotational ? 3 : 1
    case .emmc: 2
    }
  }

  /// Reasons that hold even for a disk that is named.
  private static func never(_ disk: Disk) -> String? {
    if disk.isBootMedium { return "the machine was started from it" }
    if disk.isReadOnly { return "it is read-only" }
    if disk.size == 0 { return "it has no medium or reports no size" }
    if disk.stablePath == nil { return "it has no stable name under /dev/disk" }
    return nil
  }

  private static func unlessNamed(_ disk: Disk) -> String? {
    if disk.bus == .usb { return "it is on USB, and the layout does not name it" }
    if disk.bus == .sdCard { return "it is a memory card, and the layout does not name it" }
    if disk.isRemovable { return "it is removable, and the layout does not name it" }
    return nil
  }
}
