import NodeFiles

public import DiskLayout

extension InventoryReader: DiskSource {
  public func disks() -> DiskInventory {
    DiskInventory(disks: disks { _ in true }, controllers: controllers())
  }

  public func disks(withID id: String) -> [Disk] { disks { $0 == id } }

  private func disks(where isWanted: (String) -> Bool) -> [Disk] {
    let links = DiskLinks(root: root)
    let mounts = mounts().mounts
    let swaps = swapDevices()
    return entry("sys/block").children
      .filter { name in !ignoredDisks.contains { name.hasPrefix($0) } && !Self.isPart(name) }
      .filter { isWanted(links.stableName($0)) }
      .map { disk($0, links, mounts, swaps) }
  }

  /// An eMMC's boot and replay-protected areas show up as disks of their own, and so do NVMe paths of a multipath disk.
  private static func isPart(_ name: String) -> Bool {
    if name.hasPrefix("mmcblk") { return name.contains("boot") || name.contains("rpmb") || name.contains("gp") }
    return name.hasPrefix("nvme") && name.dropFirst(4).contains("c")
  }

  private func disk(_ name: String, _ links: DiskLinks, _ mounts: [MountTable.Mount], _ swaps: Set<String>) -> Disk {
    let block = entry("sys/block/\(name)")
    let node = "/dev/\(name)"
    let nodePath = entry("dev/\(name)").path
    // The kernel counts in sectors of 512 bytes here, whatever the disk's own are.
    let (size, overflow) = (block.appending("size").number ?? 0).multipliedReportingOverflow(by: 512)
    let device = block.appending("device")
    let bus = bus(name, block)
    let isCard = device.appending("type").line == "SD"
    let identity = identity(name, block, links)
    let partitions = block.children.filter { block.appending($0).appending("partition").exists }
    let nodes = [node] + partitions.map { "/dev/\($0)" }

    var users = holders(block)
    for partition in partitions {
      users += holders(block.appending(partition))
    }
    var isBootMedium = false
    for mount in mounts where nodes.contains(mount.source) {
      users.append("mount at \(mount.target)")
      // The medium that a live system runs from, or the system itself where the agent came in by kexec.
      if ["/", "/boot", "/iso", "/run/live/medium", "/run/initramfs/live", "/cdrom"].contains(mount.target) {
        isBootMedium = true
      }
    }
    users += nodes.filter(swaps.contains).map { "swap on \($0)" }

    return Disk(
      id: links.stableName(name), aliases: Array(links.ids(name).dropFirst()), node: node, size: overflow ? 0 : size,
      logicalSectorSize: block.appending("queue/logical_block_size").number ?? 512,
      physicalSectorSize: block.appending("queue/physical_block_size").number ?? 512,
      isRotational: block.appending("queue/rotational").number == 1,
      // Every memory card slot counts, though the kernel sets the flag for none of them.
      isRemovable: block.appending("removable").number == 1 || isCard,
      isReadOnly: block.appending("ro").number == 1, bus: isCard ? .sdCard : bus, model: identity.model,
      serial: identity.serial, wwid: identity.wwid,
      contents: size == 0 || overflow ? DiskContents() : SignatureProbe.contents(ofDevice: nodePath),
      isBootMedium: isBootMedium, users: users)
  }

  private func holders(_ block: FileSystemEntry) -> [String] {
    block.appending("holders").children.map { holder in
      entry("sys/block/\(holder)/dm/name").line.map { "\(holder) (\($0))" } ?? holder
    }
  }

  private func swapDevices() -> Set<String> {
    let lines = entry("proc/swaps").text()?.split(separator: "\n").dropFirst() ?? []
    return Set(lines.compactMap { $0.split(whereSeparator: { $0 == " " || $0 == "\t" }).first.map(String.init) })
  }

  /// The buses that the device's place in sysfs names, from the disk upward.
  private func bus(_ name: String, _ block: FileSystemEntry) -> DiskBus {
    let place = block.resolved ?? ""
    let parts = place.split(separator: "/")
    if parts.contains(where: { $0.hasPrefix("usb") && $0.dropFirst(3).allSatisfy(\.isNumber) }) { return .usb }
    if name.hasPrefix("nvme") { return .nvme }
    if name.hasPrefix("mmcblk") { return .emmc }
    if parts.contains(where: { $0.hasPrefix("ata") && $0.dropFirst(3).allSatisfy(\.isNumber) && $0.count > 3 }) {
      return .sata
    }
    if parts.contains(where: { $0.hasPrefix("end_device-") || $0.hasPrefix("sas_") }) {
      // A SATA disk behind a SAS controller names ATA as its vendor.
      return block.appending("device/vendor").line == "ATA" ? .sata : .sas
    }
    if name.hasPrefix("vd") { return .virtio }
    if name.hasPrefix("sd") { return .scsi }
    return .other
  }

  private func identity(
    _ name: String, _ block: FileSystemEntry, _ links: DiskLinks
  ) -> (model: String?, serial: String?, wwid: String?) {
    let device = block.appending("device")
    let properties = UdevProperties(root: root, block: block)
    let model = device.appending("model").line ?? device.appending("name").line ?? properties["ID_MODEL"]
    // sysfs has the serial number of NVMe, MMC and virtio disks; for the others udev asked the disk itself.
    let serial =
      device.appending("serial").line ?? block.appending("serial").line ?? properties["ID_SCSI_SERIAL"]
      ?? properties["ID_SERIAL_SHORT"] ?? UnitSerial.read(device)
    let wwid = block.appending("wwid").line ?? device.appending("wwid").line ?? properties["ID_WWN"]
    return (model, serial, wwid)
  }

  private func controllers() -> [StorageController] {
    let devices = entry("sys/bus/pci/devices")
    return devices.children.compactMap { address in
      let device = devices.appending(address)
      guard let code = device.appending("class").line?.split(separator: "x").last, code.hasPrefix("01"), code.count == 6
      else { return nil }
      func id(_ name: String) -> String {
        String(device.appending(name).line?.split(separator: "x").last ?? "0000")
      }
      return StorageController(
        address: address, device: id("vendor") + ":" + id("device"), classCode: String(code),
        driver: device.appending("driver").linkTarget.map { FileSystemEntry($0).name })
    }
  }

  public func deviceNumber(of path: String) -> UInt64? { entry(path).deviceNumber }

  public func mounts() -> MountTable { MountTable.read(entry("proc/self/mounts").path) }

  public func volumeGroup(ofDevice path: String) -> VolumeGroupRecord? {
    SignatureProbe.volumeGroup(ofDevice: entry(path).path)
  }

  public func signatures(ofDevice path: String) -> [Signature]? {
    guard case .found(let signatures) = SignatureProbe.signatures(ofDevice: entry(path).path) else { return nil }
    return signatures
  }

  public func partitionNodes(of disk: Disk) -> [Int: PartitionNode] {
    let block = entry("sys/block/\(FileSystemEntry(disk.node).name)")
    var nodes: [Int: PartitionNode] = [:]
    for name in block.children {
      let partition = block.appending(name)
      guard let number = partition.appending("partition").number.flatMap({ Int(exactly: $0) }),
        let start = partition.appending("start").number, let size = partition.appending("size").number,
        start < 1 << 54, size < 1 << 54
      else { continue }
      nodes[number] = PartitionNode(path: "/dev/\(name)", start: start * 512, size: size * 512)
    }
    return nodes
  }
}
