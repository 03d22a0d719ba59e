import DiskLayout
import Foundation
import NetworkAddress

/// What a rebuild will do, from the record of the machine; shown before anything is armed.
public struct RebuildPreview: Codable, Sendable {
  public struct DiskRow: Codable, Sendable {
    public var identifier: String
    public var serial: String?
    /// Bytes, where it is known.
    public var size: UInt64?
    public var isSystem: Bool
    public var holdsData: Bool
    /// The serial number or stable id of the disk in its place.
    public var replacedBy: String?
  }

  public struct VolumeRow: Codable, Sendable {
    public var name: String
    /// Bytes.
    public var size: UInt64
    public var mountPoint: String?
    public var fileSystemUUID: String?
  }

  public struct Kept: Codable, Sendable {
    public var volumeGroup: String
    /// In LVM's own form; nil where the install did not record it.
    public var uuid: String?
    public var tags: [String]
    /// Identifiers of the disks that it is on.
    public var disks: [String]
    public var pool: String
    /// Bytes.
    public var poolSize: UInt64
    public var volumes: [VolumeRow]
  }

  public var machine: MachineName
  public var state: MachineState
  public var closure: String?
  public var disks: [DiskRow]
  /// What is made anew, a line each.
  public var formatted: [String]
  /// What stays with its data; nil where it is given up.
  public var kept: Kept?
  /// What is lost, a line each; empty where all data stays.
  public var lost: [String]
  /// What becomes of each stack's data; nil where no restore was asked for.
  public var restores: [StackRestore]?
  /// Which addresses change, what may be repaired, and whatever else the operator should know.
  public var notes: [String]
  /// Minutes for which the rebuild stays armed.
  public var minutes: Int
  /// When the node reported last.
  public var reportedAt: Date?
  /// Names this preview of this record: consent is given for it alone.
  public var digest: String = ""

  /// The preview in words.
  public var text: String {
    var lines: [String] = []
    func add(_ title: String, _ value: String) {
      lines.append(title.padding(toLength: max(12, title.count + 1), withPad: " ", startingAt: 0) + value)
    }
    add("rebuild", "\(machine), which is \(state.rawValue)")
    add("system", closure ?? "none is set: bootstead machine set \(machine) --closure STORE_PATH")
    for disk in disks {
      let parts = [
        disk.identifier, disk.size.map(ByteSize.text), disk.serial.map { "serial \($0)" } ?? "no serial number",
        disk.isSystem ? "holds the system" : nil, disk.holdsData ? "holds data" : nil,
        disk.replacedBy.map { "is replaced by \($0)" },
      ]
      add("disk", parts.compactMap { $0 }.joined(separator: ", "))
    }
    for line in formatted { add("formatted", line) }
    if let kept {
      let on = kept.disks.isEmpty ? "" : ", on \(kept.disks.joined(separator: ", "))"
      add("stays", "volume group \(kept.volumeGroup)\(kept.uuid.map { ", UUID \($0)" } ?? ", UUID not recorded")\(on)")
      add("stays", "thin pool \(kept.volumeGroup)/\(kept.pool), \(ByteSize.text(kept.poolSize))")
      for volume in kept.volumes {
        let parts = [
          "volume \(kept.volumeGroup)/\(volume.name)", ByteSize.text(volume.size),
          volume.fileSystemUUID.map { "file system UUID \($0)" }, volume.mountPoint.map { "on \($0)" },
        ]
        add("stays", parts.compactMap { $0 }.joined(separator: ", "))
      }
    }
    if lost.isEmpty { add("lost", "no data; the system and what was changed in it") }
    for line in lost { add("LOST", line) }
    for restore in restores ?? [] { add(restore.plannedText.title, restore.plannedText.text) }
    if restores?.isEmpty == true { add("no restore", "the machine has no stacks") }
    for note in notes { add("note", note) }
    return lines.joined(separator: "\n")
  }
}
