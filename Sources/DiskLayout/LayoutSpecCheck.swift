extension LayoutSpec {
  /// Everything about a specification that can be wrong without looking at a disk.
  public func check() throws(LayoutRefusal) {
    guard layout == LayoutSpec.lvmThin else {
      throw .invalidSpec(field: "layout", problem: "“\(layout)” is not known; there is \(LayoutSpec.lvmThin)")
    }
    guard (1...99).contains(poolPercent) else {
      throw .invalidSpec(field: "poolPercent", problem: "\(poolPercent) is not within 1 to 99")
    }
    guard systemFileSystem != .vfat else {
      throw .invalidSpec(field: "systemFileSystem", problem: "vfat cannot hold a system; take ext4 or xfs")
    }
    if let chunkSize {
      guard (PoolGeometry.chunkMinimum...PoolGeometry.chunkMaximum).contains(chunkSize),
        chunkSize % PoolGeometry.chunkMinimum == 0
      else {
        throw .invalidSpec(field: "chunkSize", problem: "\(chunkSize) is not a multiple of 64 KiB up to 1 GiB")
      }
    }
    if let systemMaximum, systemMaximum < LayoutPlanner.systemFloor {
      throw .systemTooSmall(asked: systemMaximum, floor: LayoutPlanner.systemFloor)
    }
    if let systemSize, systemSize < LayoutPlanner.systemFloor {
      throw .systemTooSmall(asked: systemSize, floor: LayoutPlanner.systemFloor)
    }
    if let dataDisk {
      guard dataDisk != .automatic else {
        throw .invalidSpec(field: "data disk", problem: "it has to be named: which disk gets the data is never guessed")
      }
      guard dataDisk != systemDisk else {
        throw .invalidSpec(field: "data disk", problem: "it is named as the system disk too")
      }
    }
    try LVMName.check(volumeGroup, field: "volumeGroup")
    try LVMName.check(pool, field: "pool")
    try checkVolumes()
  }

  private func checkVolumes() throws(LayoutRefusal) {
    var names: Set<String> = [pool]
    var mountPoints: Set<String> = ["/", "/boot"]
    for volume in volumes {
      let field = "volume “\(volume.name)”"
      try LVMName.check(volume.name, field: "volume name")
      guard names.insert(volume.name).inserted else {
        throw .invalidSpec(field: field, problem: "the name is taken")
      }
      guard volume.fileSystem != .vfat else {
        throw .invalidSpec(field: field, problem: "vfat cannot hold data with owners; take ext4 or xfs")
      }
      try Self.check(mountPoint: volume.mountPoint, field: field)
      guard mountPoints.insert(volume.mountPoint).inserted else {
        throw .invalidSpec(field: field, problem: "something else is mounted at \(volume.mountPoint)")
      }
      switch volume.size {
      case .bytes(let bytes):
        // mkfs.xfs makes nothing under 300 MiB (xfsprogs 5.19 and later).
        guard (512 * ByteSize.mebibyte...ByteSize.plausibleMaximum).contains(bytes) else {
          throw .invalidSpec(field: field, problem: "a size of \(bytes) bytes is not within 512 MiB to 1 EiB")
        }
      case .poolPercent(let percent):
        guard (1...100).contains(percent) else {
          throw .invalidSpec(field: field, problem: "\(percent) % is not within 1 to 100")
        }
      }
    }
  }

  private static func check(mountPoint: String, field: String) throws(LayoutRefusal) {
    let parts = mountPoint.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count >= 2, parts[0].isEmpty,
      parts.dropFirst().allSatisfy({ part in
        !part.isEmpty && part != "." && part != ".."
          && part.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
              UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
              true
            default: false
            }
          }
      })
    else {
      throw .invalidSpec(
        field: field,
        problem: "“\(mountPoint)” is not an absolute path of letters, digits, dot, hyphen and underscore")
    }
    for taken in ["boot", "nix", "proc", "sys", "dev", "run", "etc"] where parts[1] == taken {
      throw .invalidSpec(field: field, problem: "\(mountPoint) lies where the system itself lives")
    }
  }
}

/// Names that LVM takes (lvm(8), "Valid names").
enum LVMName {
  private static let reservedParts = [
    "_cdata", "_cmeta", "_corig", "_cpool", "_cvol", "_imeta", "_iorig", "_mimage", "_mlog", "_pmspare", "_rimage",
    "_rmeta", "_tdata", "_tmeta", "_vdata", "_vorigin", "_wcorig",
  ]

  static func check(_ name: String, field: String) throws(LayoutRefusal) {
    let fits = name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
        true
      default: false
      }
    }
    // Two such names and a hyphen make a device-mapper name, which ends at 127 bytes, and hyphens count twice.
    guard (1...48).contains(name.utf8.count), fits, !name.hasPrefix("-"), name != ".", name != ".." else {
      throw .invalidSpec(
        field: field, problem: "“\(name)” is not 1 to 48 letters, digits, dots, underscores and hyphens")
    }
    guard !name.hasPrefix("snapshot"), !name.hasPrefix("pvmove"), !name.hasPrefix("."),
      !reservedParts.contains(where: { LVMName.contains(name, $0) })
    else {
      throw .invalidSpec(field: field, problem: "“\(name)” is a name that LVM keeps for itself")
    }
  }

  private static func contains(_ text: String, _ part: String) -> Bool {
    let text = Array(text.utf8)
    let part = Array(part.utf8)
    guard text.count >= part.count else { return false }
    return (0...(text.count - part.count)).contains { text[$0..<$0 + part.count].elementsEqual(part) }
  }
}
