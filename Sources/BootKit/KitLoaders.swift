/// The iPXE builds of a kit.
public struct KitLoaders: Sendable {
  /// A build for one kind of UEFI firmware.
  public struct EFI: Sendable {
    /// The name that firmware starts from a medium of its own accord (UEFI 2.10, 3.5.1.1).
    public let fileName: String
    public let bytes: [UInt8]
    /// Runs the `autoexec.ipxe` beside it. Debian 12's build of 2019 does not: it asks DHCP what to do.
    public let runsScript: Bool
  }

  /// `ipxe.lkrn`, which takes its script the way that Linux takes an initrd.
  public let bios: [UInt8]
  public let efi: [EFI]

  /// True where every build runs the kit's own script.
  public var allRunScripts: Bool { efi.allSatisfy(\.runsScript) }

  /// - Parameters:
  ///   - bios: a name for errors, and the file.
  ///   - efi: the same, one for each kind of firmware.
  /// - Throws: ``BootKitError/notALoader(path:reason:)`` for files that firmware would not start.
  public init(bios: (name: String, bytes: [UInt8]), efi: [(name: String, bytes: [UInt8])]) throws(BootKitError) {
    guard Self.isLinuxLike(bios.bytes) else {
      throw .notALoader(path: bios.name, reason: "it is no ipxe.lkrn, which starts like a Linux kernel")
    }
    self.bios = bios.bytes
    var loaders: [EFI] = []
    for (name, bytes) in efi {
      guard let machine = Self.peMachine(bytes), let fileName = Self.fileNames[machine] else {
        throw .notALoader(path: name, reason: "it is no EFI program for x86 or 64-bit ARM")
      }
      guard bytes.count <= 8 << 20 else { throw .notALoader(path: name, reason: "it has more than 8 MiB") }
      guard !loaders.contains(where: { $0.fileName == fileName }) else {
        throw .notALoader(path: name, reason: "there is another one for the same kind of firmware")
      }
      loaders.append(EFI(fileName: fileName, bytes: bytes, runsScript: Self.contains("autoexec.ipxe", in: bytes)))
    }
    self.efi = loaders
  }

  /// PE/COFF machine types.
  private static let fileNames: [UInt16: String] = [
    0x8664: "BOOTX64.EFI", 0xAA64: "BOOTAA64.EFI", 0x014C: "BOOTIA32.EFI",
  ]

  /// Linux boot protocol: "HdrS" at 0x202. More than 1 MiB is a kernel, not iPXE.
  private static func isLinuxLike(_ bytes: [UInt8]) -> Bool {
    bytes.count >= 0x400 && bytes.count <= 1 << 20 && bytes[0x202..<0x206].elementsEqual("HdrS".utf8)
  }

  /// The machine type of a PE file (Microsoft PE format): the header's place is at 0x3C, the type after `PE\0\0`.
  private static func peMachine(_ bytes: [UInt8]) -> UInt16? {
    guard bytes.count >= 0x40, bytes[0] == UInt8(ascii: "M"), bytes[1] == UInt8(ascii: "Z") else { return nil }
    let header = (0..<4).reduce(0) { $0 | Int(bytes[0x3C + $1]) << (8 * $1) }
    guard header <= bytes.count - 6, bytes[header..<header + 4].elementsEqual([0x50, 0x45, 0, 0]) else { return nil }
    return UInt16(bytes[header + 4]) | UInt16(bytes[header + 5]) << 8
  }

  private static func contains(_ text: String, in bytes: [UInt8]) -> Bool {
    let wanted = Array(text.utf8)
    guard let first = wanted.first, bytes.count >= wanted.count else { return false }
    var index = 0
    let end = bytes.count - wanted.count
    while index <= end {
      if bytes[index] == first, bytes[index..<index + wanted.count].elementsEqual(wanted) { return true }
      index += 1
    }
    return false
  }
}
