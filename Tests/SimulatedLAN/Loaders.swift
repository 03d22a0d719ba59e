import SeededNumbers

/// Files that the appliance serves by TFTP; the content does not matter, only that it arrives unchanged.
enum Loaders {
  static let all: [String: [UInt8]] = [
    "undionly.kpxe": bytes(24_000, 1), "snponly.efi": bytes(40_000, 2), "ipxe-arm64.efi": bytes(30_000, 3),
    "shimx64.efi": bytes(30_000, 4), "grubx64.efi": bytes(50_000, 5),
  ]

  static func bytes(_ count: Int, _ seed: UInt64) -> [UInt8] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
  }
}
