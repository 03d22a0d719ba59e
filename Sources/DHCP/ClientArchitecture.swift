/// A processor architecture type of option 93 (IANA, from RFC 4578).
public struct ClientArchitecture: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
  public let rawValue: UInt16

  public init(rawValue: UInt16) { self.rawValue = rawValue }

  public static let x86BIOS = Self(rawValue: 0x00)
  public static let ia32UEFI = Self(rawValue: 0x06)
  public static let x64UEFI = Self(rawValue: 0x07)
  public static let ebcUEFI = Self(rawValue: 0x09)
  public static let arm32UEFI = Self(rawValue: 0x0A)
  public static let arm64UEFI = Self(rawValue: 0x0B)
  public static let ia32HTTP = Self(rawValue: 0x0F)
  public static let x64HTTP = Self(rawValue: 0x10)
  public static let arm64HTTP = Self(rawValue: 0x13)
  public static let raspberryPi = Self(rawValue: 0x29)

  /// What a loader has to be built for, whatever way it travels.
  public enum Platform: String, Sendable, Hashable, Codable, CaseIterable, CodingKeyRepresentable {
    case bios
    case uefiIA32
    case uefiX64
    case uefiARM32
    case uefiARM64
    case uefiRISCV32
    case uefiRISCV64
    case uefiRISCV128
    case uefiLoongArch32
    case uefiLoongArch64
    case uBootARM32
    case uBootARM64
    case raspberryPi
    case other

    public var isUEFI: Bool {
      switch self {
      case .bios, .uBootARM32, .uBootARM64, .raspberryPi, .other: false
      default: true
      }
    }
  }

  private struct Entry {
    let name: String
    let platform: Platform
    var isHTTP = false
  }

  private var entry: Entry? { Self.table[rawValue] }

  public var platform: Platform { entry?.platform ?? .other }

  /// The firmware fetches its loader by HTTP.
  public var isHTTP: Bool { entry?.isHTTP ?? false }

  public var name: String { entry?.name ?? "unknown" }

  public var description: String { "\(name) (\(rawValue))" }

  // 9 is EBC in the registry, but RFC 4578 prints 7 and 9 swapped (erratum 4624), and VMware and others send 9 for
  // x64. The same holds for 0x11 over HTTP.
  private static let table: [UInt16: Entry] = [
    0x00: Entry(name: "x86 BIOS", platform: .bios),
    0x01: Entry(name: "NEC/PC98", platform: .other),
    0x02: Entry(name: "Itanium UEFI", platform: .other),
    0x03: Entry(name: "DEC Alpha", platform: .other),
    0x04: Entry(name: "Arc x86", platform: .other),
    0x05: Entry(name: "Intel Lean Client", platform: .other),
    0x06: Entry(name: "IA32 UEFI", platform: .uefiIA32),
    0x07: Entry(name: "x64 UEFI", platform: .uefiX64),
    0x08: Entry(name: "Xscale UEFI", platform: .other),
    0x09: Entry(name: "EBC or x64 UEFI", platform: .uefiX64),
    0x0A: Entry(name: "ARM 32-bit UEFI", platform: .uefiARM32),
    0x0B: Entry(name: "ARM 64-bit UEFI", platform: .uefiARM64),
    0x0C: Entry(name: "PowerPC Open Firmware", platform: .other),
    0x0D: Entry(name: "PowerPC ePAPR", platform: .other),
    0x0E: Entry(name: "POWER OPAL v3", platform: .other),
    0x0F: Entry(name: "IA32 UEFI HTTP", platform: .uefiIA32, isHTTP: true),
    0x10: Entry(name: "x64 UEFI HTTP", platform: .uefiX64, isHTTP: true),
    0x11: Entry(name: "EBC or x64 UEFI HTTP", platform: .uefiX64, isHTTP: true),
    0x12: Entry(name: "ARM 32-bit UEFI HTTP", platform: .uefiARM32, isHTTP: true),
    0x13: Entry(name: "ARM 64-bit UEFI HTTP", platform: .uefiARM64, isHTTP: true),
    0x14: Entry(name: "x86 BIOS HTTP", platform: .bios, isHTTP: true),
    0x15: Entry(name: "ARM 32-bit U-Boot", platform: .uBootARM32),
    0x16: Entry(name: "ARM 64-bit U-Boot", platform: .uBootARM64),
    0x17: Entry(name: "ARM 32-bit U-Boot HTTP", platform: .uBootARM32, isHTTP: true),
    0x18: Entry(name: "ARM 64-bit U-Boot HTTP", platform: .uBootARM64, isHTTP: true),
    0x19: Entry(name: "RISC-V 32-bit UEFI", platform: .uefiRISCV32),
    0x1A: Entry(name: "RISC-V 32-bit UEFI HTTP", platform: .uefiRISCV32, isHTTP: true),
    0x1B: Entry(name: "RISC-V 64-bit UEFI", platform: .uefiRISCV64),
    0x1C: Entry(name: "RISC-V 64-bit UEFI HTTP", platform: .uefiRISCV64, isHTTP: true),
    0x1D: Entry(name: "RISC-V 128-bit UEFI", platform: .uefiRISCV128),
    0x1E: Entry(name: "RISC-V 128-bit UEFI HTTP", platform: .uefiRISCV128, isHTTP: true),
    0x1F: Entry(name: "s390 basic", platform: .other),
    0x20: Entry(name: "s390 extended", platform: .other),
    0x25: Entry(name: "LoongArch 32-bit UEFI", platform: .uefiLoongArch32),
    0x26: Entry(name: "LoongArch 32-bit UEFI HTTP", platform: .uefiLoongArch32, isHTTP: true),
    0x27: Entry(name: "LoongArch 64-bit UEFI", platform: .uefiLoongArch64),
    0x28: Entry(name: "LoongArch 64-bit UEFI HTTP", platform: .uefiLoongArch64, isHTTP: true),
    0x29: Entry(name: "ARM rpiboot", platform: .raspberryPi),
  ]
}
