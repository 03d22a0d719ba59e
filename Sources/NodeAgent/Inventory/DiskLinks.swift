import NodeFiles

/// The links that udev made for disks under `/dev/disk`.
struct DiskLinks {
  private var byID: [String: [String]] = [:]
  private var byPath: [String: [String]] = [:]

  init(root: FileSystemEntry) {
    byID = Self.links(root.appending("dev/disk/by-id"))
    byPath = Self.links(root.appending("dev/disk/by-path"))
  }

  /// Names in `by-id`, the one that says most first.
  func ids(_ disk: String) -> [String] {
    (byID[disk] ?? []).filter { name in !["dm-", "lvm-pv-", "md-"].contains { name.hasPrefix($0) } }
      .sorted { (Self.rank($0), $0.utf8.count, $0) < (Self.rank($1), $1.utf8.count, $1) }
  }

  /// The value of `Disk.id`.
  func stableName(_ disk: String) -> String {
    ids(disk).first ?? paths(disk).first.map { "path:" + $0 } ?? "node:\(disk)"
  }

  func paths(_ disk: String) -> [String] { (byPath[disk] ?? []).sorted { ($0.utf8.count, $0) < ($1.utf8.count, $1) } }

  /// Names with model and serial number, which people find on the label, before bare numbers.
  private static func rank(_ name: String) -> Int {
    if name.hasPrefix("nvme-eui.") || name.hasPrefix("nvme-nvme.") || name.hasPrefix("nvme-uuid.") { return 8 }
    for (rank, prefix) in ["nvme-", "ata-", "mmc-", "usb-", "virtio-", "scsi-S", "wwn-", "scsi-"].enumerated()
    where name.hasPrefix(prefix) { return rank }
    return 9
  }

  private static func links(_ folder: FileSystemEntry) -> [String: [String]] {
    var links: [String: [String]] = [:]
    for name in folder.children {
      guard let target = folder.appending(name).linkTarget else { continue }
      links[FileSystemEntry(target).name, default: []].append(name)
    }
    return links
  }
}
