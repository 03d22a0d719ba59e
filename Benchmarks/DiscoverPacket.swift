/// The DISCOVER of a network boot, as OVMF 2022.11 sends it (recorded).
struct DiscoverPacket {
  private(set) var bytes: [UInt8]

  init() {
    bytes = [UInt8](repeating: 0, count: 236)
    bytes.replaceSubrange(0..<3, with: [1, 1, 6])  // request, Ethernet, 6 bytes
    bytes[10] = 0x80  // answer by broadcast
    bytes += [99, 130, 83, 99]
    bytes += [53, 1, 1]  // DISCOVER
    bytes += [57, 2, 0x05, 0xC0]
    let parameters: [UInt8] = [
      1, 2, 3, 4, 5, 6, 12, 13, 15, 17, 18, 22, 23, 28, 40, 41, 42, 43, 50, 51, 54, 58, 59, 60, 66, 67, 97, 128, 129,
      130, 131, 132, 133, 134, 135,
    ]
    bytes += [55, UInt8(parameters.count)] + parameters
    bytes += [97, 17] + [UInt8](repeating: 0, count: 17)
    bytes += [94, 3, 1, 3, 0]
    bytes += [93, 2, 0, 7]
    let vendorClass = Array("PXEClient:Arch:00007:UNDI:003000".utf8)
    bytes += [60, UInt8(vendorClass.count)] + vendorClass
    bytes.append(255)
  }

  /// Makes it the packet of another machine: the number becomes the transaction's identifier and, behind 52:54, the
  /// MAC address, as servers limit the rate for each machine.
  mutating func become(_ number: UInt32) {
    for (offset, shift) in [24, 16, 8, 0].enumerated() {
      let byte = UInt8(truncatingIfNeeded: number >> UInt32(shift))
      bytes[4 + offset] = byte
      bytes[30 + offset] = byte
    }
    bytes[28] = 0x52
    bytes[29] = 0x54
  }

  /// The number of the machine that an offer is for; nil where the bytes are no offer for a network boot.
  static func number(ofOffer bytes: borrowing [UInt8], count: Int) -> UInt32? {
    guard count > 240, bytes[0] == 2 else { return nil }
    var isOffer = false
    var isForBoot = false
    var position = 240
    while position + 1 < count, bytes[position] != 255 {
      if bytes[position] == 0 {
        position += 1
        continue
      }
      let length = Int(bytes[position + 1])
      guard position + 2 + length <= count else { return nil }
      if bytes[position] == 53, length == 1 { isOffer = bytes[position + 2] == 2 }
      // "PXEClient"
      if bytes[position] == 60, length >= 9 { isForBoot = bytes[position + 2] == 0x50 && bytes[position + 4] == 0x45 }
      position += 2 + length
    }
    guard isOffer, isForBoot else { return nil }
    return bytes[4..<8].reduce(0) { $0 << 8 | UInt32($1) }
  }
}
