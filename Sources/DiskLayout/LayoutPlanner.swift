/// Plans the layout `lvm-thin`: a pure function from what a machine has and what the operator wants.
public enum LayoutPlanner {
  /// The system partition is never smaller: 8 GiB.
  public static let systemFloor: UInt64 = 8 * ByteSize.gibibyte
  /// Nor than this on a disk of 32 GiB and more: 20 GiB.
  static let systemUsualMinimum: UInt64 = 20 * ByteSize.gibibyte
  static let smallDisk: UInt64 = 32 * ByteSize.gibibyte
  static let dataFloor: UInt64 = 4 * ByteSize.gibibyte
  static let espSize: UInt64 = ByteSize.gibibyte
  static let biosSize: UInt64 = ByteSize.mebibyte
  static let alignment: UInt64 = ByteSize.mebibyte

  /// Makes the plan, or says why there is none.
  ///
  /// - Parameters:
  ///   - keeping: the UUID of the data volume group that must be taken over: a rebuild of a machine whose group is on
  ///     record. Where it is missing the plan is refused, unless `consent.loseData` names the disk.
  ///   - known: the machine's disks as its last install recorded them.
  public static func plan(
    inventory: DiskInventory, spec: LayoutSpec, consent: Consent = .none, identity: LayoutIdentity,
    keeping: String? = nil, known: [KnownDisk] = []
  ) throws(LayoutRefusal) -> LayoutPlan {
    try spec.check()
    try check(identity)
    let own = OwnDisks(identity: identity, known: known)
    let separate = try spec.dataDisk.map { (wanted) throws(LayoutRefusal) in
      try DiskChoice(named: wanted, in: inventory)
    }
    let choice = try DiskChoice(
      inventory: inventory, spec: spec, consent: consent, without: separate?.disk
    ) { own.isOwn($0, for: .system) }
    let disk = choice.disk
    let dataDisk = separate?.disk ?? disk
    for disk in [disk] + (separate.map { [$0.disk] } ?? []) { try checkGeometry(disk) }
    try checkGroupName(spec.volumeGroup, dataDisk, identity, inventory)
    let identifiers = own.identifiers(of: disk, for: .system)
    let occupation = try Occupation(
      disk: disk, roles: separate == nil ? PartitionRole.allCases : [.bios, .esp, .system], spec: spec,
      identifiers: identifiers, machine: identity.machineName, keeping: separate == nil ? keeping : nil,
      mayWipe: consent.allowsWipe(of: disk, in: inventory),
      mayLoseData: consent.allowsLosingData(of: disk, in: inventory))

    var notes = choice.notes + (separate?.notes ?? [])
    var destroys = occupation.destroys
    let partitions: [PlannedPartition]
    if let taken = occupation.partitions {
      partitions = taken
      notes.append("The partitions are this machine's own and stay as they are.")
    } else {
      partitions = try newPartitions(disk, spec, identifiers, &notes)
    }
    var plannedData: PlannedDataDisk?
    var keptGroup = occupation.keptGroup
    var dataIdentifiers = identifiers
    if let separate {
      dataIdentifiers = own.identifiers(of: separate.disk, for: .data)
      let occupation = try Occupation(
        disk: separate.disk, roles: [.data], spec: spec, identifiers: dataIdentifiers, machine: identity.machineName,
        keeping: keeping, mayWipe: consent.allowsWipe(of: separate.disk, in: inventory),
        mayLoseData: consent.allowsLosingData(of: separate.disk, in: inventory))
      keptGroup = occupation.keptGroup
      destroys += occupation.destroys.map { "\(separate.disk.id.printable): \($0)" }
      let partition: PlannedPartition
      if let taken = occupation.partitions?.first {
        partition = taken
      } else {
        partition = try newDataPartition(separate.disk, dataIdentifiers)
      }
      plannedData = PlannedDataDisk(
        disk: PlannedDisk(separate.disk, layoutName: dataIdentifiers.disk), situation: occupation.situation,
        tableUUID: dataIdentifiers.table,
        partition: partition)
    }
    guard let data = plannedData?.partition ?? partitions.first(where: { $0.role == .data }) else {
      throw .unusableGeometry(disk: disk.summary, problem: "no room for data")
    }
    let geometry = try PoolGeometry(partitionSize: data.size, spec: spec, disk: dataDisk.summary)
    let volumes = try volumes(spec, geometry, dataDisk, &notes)
    for other in inventory.disks where other != disk && other != dataDisk {
      if let machine = otherMachine(on: other, than: identity.machineName) {
        notes.append("\(other.id) belongs to the machine “\(machine.printable)”: it is left alone.")
      }
    }
    for controller in inventory.controllers where controller.mayHideDisks {
      notes.append("The controller \(controller.address) is in RAID mode and may hide disks.")
    }
    if disk.serial == nil { notes.append("The disk has no serial number: it is recognised as \(disk.id).") }
    if disk.logicalSectorSize > 512 {
      notes.append("The disk has sectors of \(disk.logicalSectorSize) bytes: it starts by UEFI only.")
    }

    return LayoutPlan(
      layout: spec.layout, identity: identity,
      disk: PlannedDisk(disk, layoutName: identifiers.disk), situation: occupation.situation,
      tableUUID: identifiers.table, partitions: partitions, dataDisk: plannedData,
      volumeGroup: PlannedVolumeGroup(
        name: spec.volumeGroup,
        tags: [PlannedVolumeGroup.tag, PlannedVolumeGroup.machineTag(identity.machineName)],
        physicalVolumeUUID: dataIdentifiers.physicalVolume, extentSize: PoolGeometry.extentSize,
        extents: geometry.extents, kept: keptGroup),
      pool: PlannedPool(
        name: spec.pool, size: geometry.dataExtents * PoolGeometry.extentSize,
        metadataSize: geometry.metadataExtents * PoolGeometry.extentSize, chunkSize: geometry.chunkSize,
        autoextendThreshold: 80, autoextendPercent: 20,
        freeInGroup: geometry.freeExtents * PoolGeometry.extentSize),
      volumes: volumes, fileSystems: fileSystems(spec, identifiers, dataIdentifiers), notes: notes, destroys: destroys)
  }

  private static func checkGroupName(
    _ name: String, _ disk: Disk, _ identity: LayoutIdentity, _ inventory: DiskInventory
  ) throws(LayoutRefusal) {
    for other in inventory.disks where other != disk {
      for group in groups(on: other) where group.name == name {
        if let machine = group.otherMachine(than: identity.machineName) {
          throw .otherMachinesDisk(
            disk: other.summary, consentName: other.consentName, machine: machine, group: name)
        }
        throw .groupNameTaken(name: name, disk: other.summary)
      }
    }
  }

  private static func groups(on disk: Disk) -> [FoundVolumeGroup] {
    (disk.contents.signatures + disk.contents.partitions.flatMap(\.signatures)).compactMap(\.volumeGroup)
  }

  /// The Bootstead machine that a disk was moved in from.
  static func otherMachine(on disk: Disk, than name: String) -> String? {
    groups(on: disk).compactMap { $0.otherMachine(than: name) }.first
  }

  private static func check(_ identity: LayoutIdentity) throws(LayoutRefusal) {
    // LVM tags take letters, digits and _ + . - / = ! : # & (lvm(8), "Tags"); names of machines are host names.
    let fits = identity.machineName.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
        true
      default: false
      }
    }
    guard fits, (1...253).contains(identity.machineName.utf8.count) else {
      throw .invalidSpec(field: "machine name", problem: "“\(identity.machineName)” is not a host name")
    }
  }

  private static func checkGeometry(_ disk: Disk) throws(LayoutRefusal) {
    guard [512, 1024, 2048, 4096].contains(disk.logicalSectorSize) else {
      throw .unusableGeometry(
        disk: disk.summary,
        problem: "its sectors have \(disk.logicalSectorSize) bytes, and only 512 to 4096 can be partitioned "
          + "(a disk with 520 or 528 comes from a storage array and has to be formatted with sg_format first)")
    }
    guard disk.size <= ByteSize.plausibleMaximum else {
      throw .unusableGeometry(disk: disk.summary, problem: "a size of \(disk.size) bytes is not credible")
    }
  }

  /// The first byte behind what partitions may use: GPT keeps 128 entries of 128 bytes and a header sector at the end.
  static func usableEnd(_ disk: Disk) -> UInt64 {
    let backup = ByteSize.up(128 * 128, to: disk.logicalSectorSize) + disk.logicalSectorSize
    return ByteSize.down(disk.size - min(disk.size, backup), to: alignment)
  }

  private static func newPartitions(
    _ disk: Disk, _ spec: LayoutSpec, _ identifiers: Identifiers, _ notes: inout [String]
  ) throws(LayoutRefusal) -> [PlannedPartition] {
    let systemStart = alignment + biosSize + espSize
    let end = usableEnd(disk)
    let dataFloor = spec.dataDisk == nil ? dataFloor : 0
    let needed = systemStart + systemFloor + dataFloor + alignment
    guard disk.size >= needed, end >= systemStart + systemFloor + dataFloor else {
      throw .tooSmall(disk: disk.summary, size: disk.size, needed: needed)
    }
    let room = end - systemStart
    var sizes: [(PartitionRole, UInt64)] = [(.bios, biosSize), (.esp, espSize)]
    if spec.dataDisk == nil {
      let system = try systemSize(disk, spec, most: room - dataFloor, &notes)
      sizes += [(.system, system), (.data, room - system)]
    } else {
      // Nothing else wants what is left of the disk, unless somebody set a size.
      let isSized = spec.systemSize != nil || spec.systemMaximum != nil
      sizes.append((.system, min(room, isSized ? spec.systemSize ?? spec.systemMaximum ?? room : room)))
      if let asked = spec.systemSize, asked > room {
        throw .systemTooLarge(disk: disk.summary, asked: asked, available: room)
      }
      sizes[2].1 = ByteSize.down(sizes[2].1, to: alignment)
    }
    var start = alignment
    var partitions: [PlannedPartition] = []
    for (role, size) in sizes {
      partitions.append(
        PlannedPartition(
          number: partitions.count + 1, role: role, start: start, size: size, typeGUID: role.typeGUID,
          name: role.partitionName, uuid: identifiers.partition(role)))
      start += size
    }
    return partitions
  }

  private static func newDataPartition(
    _ disk: Disk, _ identifiers: Identifiers
  ) throws(LayoutRefusal) -> PlannedPartition {
    let end = usableEnd(disk)
    guard end >= alignment + dataFloor else {
      throw .tooSmall(disk: disk.summary, size: disk.size, needed: dataFloor + 2 * alignment)
    }
    return PlannedPartition(
      number: 1, role: .data, start: alignment, size: end - alignment, typeGUID: PartitionRole.data.typeGUID,
      name: PartitionRole.data.partitionName, uuid: identifiers.partition(.data))
  }

  private static func systemSize(
    _ disk: Disk, _ spec: LayoutSpec, most: UInt64, _ notes: inout [String]
  ) throws(LayoutRefusal) -> UInt64 {
    if let asked = spec.systemSize {
      guard asked <= most else { throw .systemTooLarge(disk: disk.summary, asked: asked, available: most) }
      return max(ByteSize.down(asked, to: alignment), systemFloor)
    }
    var size: UInt64
    if disk.size < smallDisk {
      size = min(max(most / 2, systemFloor), systemUsualMinimum)
      notes.append(
        "The disk is smaller than 32 GiB: the system gets \(ByteSize.text(ByteSize.down(size, to: alignment))) "
          + "instead of 20 GiB.")
    } else {
      size = max(disk.size / 5, systemUsualMinimum)
    }
    if let cap = spec.systemMaximum, size > cap {
      notes.append("The system is held at \(ByteSize.text(cap)) instead of \(ByteSize.text(size)).")
      size = cap
    }
    return ByteSize.down(size, to: alignment)
  }

  private static func volumes(
    _ spec: LayoutSpec, _ geometry: PoolGeometry, _ disk: Disk, _ notes: inout [String]
  ) throws(LayoutRefusal) -> [PlannedVolume] {
    let pool = geometry.dataExtents * PoolGeometry.extentSize
    var total: UInt64 = 0
    var volumes: [PlannedVolume] = []
    for volume in spec.volumes {
      var size: UInt64
      switch volume.size {
      // A thin volume's size is a promise in whole extents.
      case .bytes(let bytes): size = ByteSize.up(bytes, to: PoolGeometry.extentSize)
      case .poolPercent(let percent):
        size = ByteSize.down(
          geometry.dataExtents * UInt64(percent) / 100 * PoolGeometry.extentSize, to: PoolGeometry.extentSize)
        size = max(size, PoolGeometry.extentSize)
      }
      let (sum, overflow) = total.addingReportingOverflow(size)
      guard size <= pool, !overflow, spec.allowsOvercommit || sum <= pool else {
        throw .volumesTooLarge(disk: disk.summary, asked: overflow ? .max : max(sum, size), pool: pool)
      }
      total = sum
      volumes.append(PlannedVolume(name: volume.name, size: size, placementClass: volume.placementClass))
    }
    if total > pool {
      notes.append("The volumes promise \(ByteSize.text(total)) on a pool of \(ByteSize.text(pool)).")
    }
    return volumes
  }

  private static func fileSystems(
    _ spec: LayoutSpec, _ identifiers: Identifiers, _ data: Identifiers
  ) -> [PlannedFileSystem] {
    [
      PlannedFileSystem(
        device: .partition(.system), type: spec.systemFileSystem, label: "bootstead-root",
        uuid: identifiers.system, mountPoint: "/", options: ["noatime"]),
      // Only root reads the boot partition: vfat keeps no owners, and a random seed may lie there.
      PlannedFileSystem(
        device: .partition(.esp), type: .vfat, label: "BOOTSTEAD", uuid: identifiers.esp, mountPoint: "/boot",
        options: ["umask=0077"]),
    ]
      + spec.volumes.sorted { $0.mountPoint < $1.mountPoint }.map { volume in
        PlannedFileSystem(
          device: .volume(volume.name), type: volume.fileSystem,
          label: String(volume.name.prefix(volume.fileSystem == .xfs ? 12 : 16)), uuid: data.volume(volume.name),
          mountPoint: volume.mountPoint,
          // The node comes up and reports even where its data does not.
          options: ["noatime", "nofail"])
      }
  }
}
