import AgentProtocol
import DiskLayout
import NetworkAddress

/// What a machine was when its last install began, to tell it from another one.
public struct MachineEvidence: Codable, Sendable, Equatable {
  public var uuid: SystemUUID?
  public var productSerial: String?
  public var boardSerial: String?
  public var diskSerials: [String]

  public init(_ inventory: MachineInventory) {
    uuid = inventory.product.uuid.flatMap { $0.isPlaceholder ? nil : $0 }
    productSerial = inventory.product.serial
    boardSerial = inventory.product.boardSerial
    diskSerials = inventory.disks.disks.map(\.consentName).sorted()
  }

  /// Compares the machine that asks with the record.
  /// - Parameter disks: names of the disks that it is to have, where they are known better than from the evidence.
  /// - Returns: nil where at least two kinds of evidence speak for it (or all, where fewer are on record); otherwise
  ///   what was expected and what was found.
  func refusal(
    of inventory: MachineInventory, addresses: [MACAddress], disks: Set<String>
  ) -> String? {
    let found = MachineEvidence(inventory)
    let foundAddresses = inventory.interfaces.map(\.mac)
    let expectedDisks = disks.isEmpty ? Set(diskSerials) : disks
    let foundDisks = Set(inventory.disks.disks.flatMap { [$0.id] + $0.aliases + ($0.serial.map { [$0] } ?? []) })
    var kinds: [(text: String, expected: String, found: String, matches: Bool)] = [
      (
        "MAC address", addresses.map(\.description).joined(separator: ", "),
        foundAddresses.map(\.description).joined(separator: ", "),
        // An agent that lists no card came by the address that fetched its script.
        foundAddresses.isEmpty || addresses.contains(where: foundAddresses.contains)
      )
    ]
    if let uuid { kinds.append(("UUID", uuid.description, found.uuid?.description ?? "", found.uuid == uuid)) }
    let serials = [productSerial, boardSerial].compactMap { $0 }
    if !serials.isEmpty {
      let present = [found.productSerial, found.boardSerial].compactMap { $0 }
      kinds.append(
        (
          "serial number", serials.joined(separator: ", "), present.joined(separator: ", "),
          (productSerial != nil && productSerial == found.productSerial)
            || (boardSerial != nil && boardSerial == found.boardSerial)
        ))
    }
    if !expectedDisks.isEmpty {
      kinds.append(
        (
          "disks", expectedDisks.sorted().joined(separator: ", "), found.diskSerials.joined(separator: ", "),
          !expectedDisks.isDisjoint(with: foundDisks)
        ))
    }
    let matching = kinds.filter(\.matches)
    guard matching.count < min(2, kinds.count) else { return nil }
    // A rebuild looks for each of its disks itself, and says what to do about one that is missing.
    if !disks.isEmpty, kinds.allSatisfy({ $0.matches || $0.text == "disks" }) { return nil }
    let differences = kinds.filter { !$0.matches }.map { kind in
      "\(kind.text): expected \(displayable(kind.expected, limit: 300)), "
        + "found \(kind.found.isEmpty ? "none" : displayable(kind.found, limit: 300))"
    }
    return "this is not the recorded machine, as only \(matching.count) of \(kinds.count) kinds of evidence "
      + "\(matching.count == 1 ? "agrees" : "agree"): " + differences.joined(separator: "; ")
  }
}
