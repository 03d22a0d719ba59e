import ArgumentParser
import DiskLayout
import Foundation

/// The disk layout of a machine, as flags.
struct LayoutOptions: ParsableArguments {
  @Option(
    help: "The system disk: a name below /dev/disk/by-id, or serial:NUMBER. Needed where two disks fit equally well.")
  var disk: String?

  @Option(help: "A disk for the data volume group alone, named as for --disk; 'none' puts the data behind the system.")
  var dataDisk: String?

  @Option(help: "Size of the system partition instead of 20 % of the disk, such as 40GiB.")
  var systemSize: String?

  @Option(help: "The system partition grows no further than this, such as 100GiB.")
  var systemMaximum: String?

  @Option(help: "A thin volume NAME:SIZE:MOUNTPOINT[:ext4|xfs], such as appdata:50GiB:/srv/appdata. May be repeated.")
  var volume: [String] = []

  var isEmpty: Bool { disk == nil && dataDisk == nil && systemSize == nil && systemMaximum == nil && volume.isEmpty }

  func apply(to spec: inout LayoutSpec) throws {
    if let disk { spec.systemDisk = disk == "auto" ? .automatic : named(disk) }
    if let dataDisk { spec.dataDisk = dataDisk == "none" ? nil : named(dataDisk) }
    if let systemSize { spec.systemSize = try bytes(systemSize, option: "--system-size") }
    if let systemMaximum { spec.systemMaximum = try bytes(systemMaximum, option: "--system-maximum") }
    if !volume.isEmpty { spec.volumes = try volume.map(parse) }
  }

  private func named(_ disk: String) -> SystemDisk {
    disk.hasPrefix("serial:") ? .serial(String(disk.dropFirst(7))) : .id(disk)
  }

  private func parse(_ text: String) throws -> VolumeSpec {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 3 || parts.count == 4 else {
      throw ValidationError("--volume '\(text)' is not NAME:SIZE:MOUNTPOINT[:ext4|xfs]")
    }
    let type = parts.count == 4 ? FileSystemType(rawValue: parts[3]) : .ext4
    guard let type, type != .vfat else { throw ValidationError("--volume '\(text)': the file system is ext4 or xfs") }
    let size: VolumeSize
    if parts[1].hasSuffix("%") {
      guard let percent = Int(parts[1].dropLast()), (1...100).contains(percent) else {
        throw ValidationError("--volume '\(text)': '\(parts[1])' is not 1% to 100%")
      }
      size = .poolPercent(percent)
    } else {
      size = .bytes(try bytes(parts[1], option: "--volume"))
    }
    return VolumeSpec(name: parts[0], size: size, fileSystem: type, mountPoint: parts[2])
  }

  private func bytes(_ text: String, option: String) throws -> UInt64 {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    let units: [String: UInt64] = [
      "": 1, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40,
    ]
    guard let number = UInt64(digits), let unit = units[String(text.dropFirst(digits.count))],
      case let (bytes, overflow) = number.multipliedReportingOverflow(by: unit), !overflow
    else { throw ValidationError("\(option): '\(text)' is not a size such as 40GiB") }
    return bytes
  }
}
