import DHCP
import Testing

@Suite("Client architectures")
struct ClientArchitectureTests {
  @Test(
    "each number means its platform, and whether it boots by HTTP",
    arguments: [
      (0x00, .bios, false), (0x06, .uefiIA32, false), (0x07, .uefiX64, false), (0x09, .uefiX64, false),
      (0x0A, .uefiARM32, false), (0x0B, .uefiARM64, false), (0x0C, .other, false), (0x0F, .uefiIA32, true),
      (0x10, .uefiX64, true), (0x11, .uefiX64, true), (0x12, .uefiARM32, true), (0x13, .uefiARM64, true),
      (0x14, .bios, true), (0x15, .uBootARM32, false), (0x16, .uBootARM64, false), (0x18, .uBootARM64, true),
      (0x1B, .uefiRISCV64, false), (0x1C, .uefiRISCV64, true), (0x27, .uefiLoongArch64, false),
      (0x28, .uefiLoongArch64, true), (0x29, .raspberryPi, false), (0x2A, .other, false), (0xFFFF, .other, false),
    ] as [(UInt16, ClientArchitecture.Platform, Bool)])
  func table(value: UInt16, platform: ClientArchitecture.Platform, isHTTP: Bool) {
    let architecture = ClientArchitecture(rawValue: value)
    #expect(architecture.platform == platform)
    #expect(architecture.isHTTP == isHTTP)
  }

  @Test("IA32 never gets what is built for x64, nor 32-bit ARM what is built for 64 bits")
  func widths() {
    #expect(ClientArchitecture.ia32UEFI.platform != ClientArchitecture.x64UEFI.platform)
    #expect(ClientArchitecture.arm32UEFI.platform != ClientArchitecture.arm64UEFI.platform)
  }
}
