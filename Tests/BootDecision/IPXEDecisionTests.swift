import BootDecision
import DHCP
import NetworkAddress
import Testing

@Suite("Decisions for iPXE")
struct IPXEDecisionTests {
  static func decide(
    _ features: IPXEFeatures?, _ architecture: ClientArchitecture = .x86BIOS, loaderFetches: Int = 0
  ) -> BootDecision {
    var facts = Facts.client(.iPXE, architecture)
    facts.iPXEFeatures = features
    return BootDecision.decide(
      facts, machine: Facts.machine(), policy: Facts.policy(), history: ClientHistory(loaderFetches: loaderFetches))
  }

  @Test(
    "one that has HTTP and the kernel's format gets the script, another our iPXE by a complete URI",
    arguments: [
      (nil, .x86BIOS, true), ([.http, .bzImage], .x86BIOS, true), ([.http, .efi], .x64UEFI, true),
      ([.http], .x86BIOS, false), ([.bzImage], .x86BIOS, false), ([.http, .bzImage], .x64UEFI, false),
      ([], .x64UEFI, false),
    ] as [(IPXEFeatures?, ClientArchitecture, Bool)])
  func features(features: IPXEFeatures?, architecture: ClientArchitecture, getsScript: Bool) {
    let decision = Self.decide(features, architecture)
    if getsScript {
      #expect(decision.bootFile == DecisionTests.script)
      #expect(decision.reasons.contains(.iPXEGetsScript))
    } else {
      let loader = architecture == .x86BIOS ? "undionly.kpxe" : "snponly.efi"
      #expect(decision.bootFile == "tftp://192.168.1.10/\(loader)")
      #expect(decision.reasons.contains(.iPXELacksFeatures))
    }
  }

  @Test("after two loader fetches within the window, it gets only the script", arguments: [0, 1, 2, 3])
  func loop(fetches: Int) {
    let decision = Self.decide([], .x64UEFI, loaderFetches: fetches)
    #expect(decision.reasons.contains(.loopBroken) == (fetches >= 2))
    #expect((decision.bootFile == DecisionTests.script) == (fetches >= 2))
  }

  @Test("it needs no loader of its architecture when it can run the script")
  func noLoader() {
    #expect(Self.decide([.http, .efi], ClientArchitecture(rawValue: 0x1B)).bootFile == DecisionTests.script)
  }
}
