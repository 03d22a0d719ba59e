/// The identifiers of one machine's layout on one disk.
struct Identifiers {
  /// What a disk is laid out for: one that carries data alone is never taken for one with a system.
  enum Purpose: String {
    case system = "bootstead layout 1"
    case data = "bootstead data disk 1"
  }

  /// The disk's stable name when it was laid out.
  let disk: String
  let table: String
  let system: String
  let esp: String
  let physicalVolume: String
  private let lasting: [String]

  init(_ identity: LayoutIdentity, _ disk: String, for purpose: Purpose = .system) {
    self.disk = disk
    lasting = [purpose.rawValue, identity.machineID, disk]
    let passing = lasting + [identity.installID]
    table = StableUUID.derive(from: lasting + ["table"])
    system = StableUUID.derive(from: passing + ["system"])
    let serial = StableUUID.derive(from: passing + ["esp"]).utf8.prefix(8).map { $0 }
    let text = String(decoding: serial, as: UTF8.self).uppercased()
    esp = text.prefix(4) + "-" + text.suffix(4)
    // LVM's form: 32 characters as 6-4-4-4-4-4-6 (lib/uuid/uuid.c in LVM2).
    let digits = Array(StableUUID.derive(from: lasting + ["physical volume"]).utf8.filter { $0 != UInt8(ascii: "-") })
    physicalVolume = [0..<6, 6..<10, 10..<14, 14..<18, 18..<22, 22..<26, 26..<32]
      .map { String(decoding: digits[$0], as: UTF8.self) }.joined(separator: "-")
  }

  func partition(_ role: PartitionRole) -> String { StableUUID.derive(from: lasting + ["partition", role.rawValue]) }

  func volume(_ name: String) -> String { StableUUID.derive(from: lasting + ["volume", name]) }
}
