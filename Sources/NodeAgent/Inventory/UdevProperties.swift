import NodeFiles

/// What udev's database says about a block device.
struct UdevProperties {
  private var values: [String: String] = [:]

  init(root: FileSystemEntry, block: FileSystemEntry) {
    guard let number = block.appending("dev").line,
      let text = root.appending("run/udev/data/b\(number)").text()
    else { return }
    for line in text.split(separator: "\n") where line.hasPrefix("E:") {
      let pair = line.dropFirst(2).split(separator: "=", maxSplits: 1)
      if pair.count == 2 { values[String(pair[0])] = String(pair[1]) }
    }
  }

  subscript(_ name: String) -> String? { values[name].flatMap { $0.isEmpty ? nil : $0 } }
}

/// The unit serial number page of a SCSI disk (SPC-4, 7.8.15), which the kernel keeps in sysfs.
enum UnitSerial {
  static func read(_ device: FileSystemEntry) -> String? {
    guard let page = device.appending("vpd_pg80").bytes(limit: 260), page.count > 4, page[1] == 0x80 else { return nil }
    let text = page[4...].prefix(Int(page[3])).filter { (33...126).contains($0) }
    return text.isEmpty ? nil : String(decoding: text, as: UTF8.self)
  }
}
