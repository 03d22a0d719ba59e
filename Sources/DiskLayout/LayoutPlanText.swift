extension LayoutPlan {
  /// The plan in words, one fact a line: the same text for the same plan.
  public var summary: String {
    var lines = ["disk        \(disk.summary)"]
    if let dataDisk { lines.append("data disk   \(dataDisk.disk.summary)") }
    for partition in tables.flatMap(\.partitions) {
      let system = fileSystems.first { $0.device == .partition(partition.role) }
      let use =
        switch partition.role {
        case .bios: "starts GRUB on BIOS machines"
        case .esp, .system: system.map { "\($0.type.rawValue) “\($0.label)” on \($0.mountPoint)" } ?? ""
        case .data: "LVM physical volume"
        }
      lines.append(
        "partition \(partition.number) \(Self.pad(ByteSize.text(partition.size), 12)) \(partition.name): \(use)")
    }
    let state = volumeGroup.kept.map { "is taken over with its data (\($0))" } ?? "is made new"
    lines.append("group       \(volumeGroup.name) \(state)")
    lines.append(
      "pool        \(pool.name) \(ByteSize.text(pool.size)), metadata \(ByteSize.text(pool.metadataSize)), chunks of "
        + "\(ByteSize.text(pool.chunkSize)), \(ByteSize.text(pool.freeInGroup)) stay free")
    for volume in volumes {
      let system = fileSystems.first { $0.device == .volume(volume.name) }
      let use = system.map { "\($0.type.rawValue) on \($0.mountPoint)" } ?? ""
      let placement = volume.placementClass.map { ", class \($0)" } ?? ""
      lines.append("volume      \(volume.name) \(ByteSize.text(volume.size)): \(use)\(placement)")
    }
    lines += notes.map { "note        \($0)" }
    lines += destroys.isEmpty ? ["destroys    nothing"] : destroys.map { "destroys    \($0)" }
    return lines.joined(separator: "\n")
  }

  /// The disk drawn as a bar of `width` columns, in ASCII, with the summary under it.
  public func preview(width: Int = 78) -> String {
    (tables.flatMap { bar($0.partitions, width: width) } + [summary]).joined(separator: "\n")
  }

  private func bar(_ partitions: [PlannedPartition], width: Int) -> [String] {
    let names: [(String, UInt64)] = partitions.map { partition in
      switch partition.role {
      case .bios: ("b", partition.size)
      case .esp: ("ESP \(ByteSize.text(partition.size))", partition.size)
      case .system: ("system \(ByteSize.text(partition.size))", partition.size)
      case .data: ("\(volumeGroup.name) \(ByteSize.text(partition.size))", partition.size)
      }
    }
    // Every part shows its text; what is left of the width goes by size.
    let least = names.map { $0.0.count + 2 }
    let borders = names.count + 1
    let spare = max(0, width - borders - least.reduce(0, +))
    let total = max(1, names.reduce(UInt64(0)) { $0 + $1.1 / ByteSize.mebibyte })
    var columns = zip(names, least).map { name, least in
      least + Int(min(UInt64(spare), UInt64(spare) * (name.1 / ByteSize.mebibyte) / total))
    }
    if let last = columns.indices.last { columns[last] += max(0, width - borders - columns.reduce(0, +)) }
    let edge = "+" + columns.map { String(repeating: "-", count: $0) + "+" }.joined()
    let middle = "|" + zip(names, columns).map { " " + Self.pad($0.0, $1 - 1) + "|" }.joined()
    return [edge, middle, edge]
  }

  private static func pad(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}
