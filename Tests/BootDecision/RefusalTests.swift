import BootDecision
import DHCP
import NetworkAddress
import Testing

@Suite("Requests that are not ours")
struct RefusalTests {
  static func decide(_ change: (inout ClientFacts) -> Void, policy: BootPolicy = Facts.policy()) -> BootDecision {
    var facts = Facts.client(.pxe, .x64UEFI)
    change(&facts)
    return BootDecision.decide(facts, machine: Facts.machine(), policy: policy)
  }

  @Test("an interface that is not served")
  func interface() {
    #expect(
      Self.decide { $0.interface = "wan" }
        == BootDecision(
          verdict: .silent, machine: "node1", reasons: [.interfaceNotServed]))
  }

  @Test(
    "a relay is answered only where its address can be one",
    arguments: [
      (IPv4Address(192, 168, 7, 1), true), (IPv4Address(10, 0, 0, 1), true), (IPv4Address(172, 16, 0, 1), true),
      (IPv4Address(172, 31, 255, 254), true), (IPv4Address(172, 32, 0, 1), false), (IPv4Address(100, 64, 0, 1), true),
      (IPv4Address(100, 128, 0, 1), false), (IPv4Address(169, 254, 1, 1), true), (IPv4Address(8, 8, 8, 8), false),
      (IPv4Address(127, 0, 0, 1), false), (.broadcast, false), (IPv4Address(224, 0, 0, 1), false),
      (IPv4Address(0, 0, 0, 1), false), (Facts.appliance, false),
    ])
  func relays(address: IPv4Address, isAnswered: Bool) {
    let decision = Self.decide { $0.relayAddress = address }
    #expect((decision.verdict == .offer) == isAnswered)
    if !isAnswered { #expect(decision.reasons == [.relayNotAllowed]) }
  }

  @Test("the policy can name the relays, or refuse them all")
  func relayPolicy() {
    let relay = IPv4Address(8, 8, 8, 8)
    var policy = Facts.policy()
    policy.relays = .only([relay])
    #expect(Self.decide({ $0.relayAddress = relay }, policy: policy).verdict == .offer)
    #expect(Self.decide({ $0.relayAddress = IPv4Address(10, 0, 0, 1) }, policy: policy).verdict == .silent)
    policy.relays = .only([IPv4Address(127, 0, 0, 1)])
    #expect(Self.decide({ $0.relayAddress = IPv4Address(127, 0, 0, 1) }, policy: policy).verdict == .silent)
    policy.relays = .none
    #expect(Self.decide({ $0.relayAddress = IPv4Address(10, 0, 0, 1) }, policy: policy).verdict == .silent)
  }

  @Test("a request that names another server")
  func otherServer() {
    func request(_ server: IPv4Address?) -> BootDecision {
      Self.decide {
        $0.port = .bootServer
        $0.messageType = .request
        $0.serverIdentifier = server
      }
    }
    #expect(request(IPv4Address(192, 168, 1, 9)).reasons == [.meantForAnotherServer])
    #expect(request(Facts.appliance).verdict == .acknowledge)
    #expect(request(nil).verdict == .acknowledge)
  }

  @Test("a boot server type that no menu of ours has")
  func bootItem() {
    func request(_ type: UInt16) -> BootDecision {
      Self.decide {
        $0.port = .bootServer
        $0.messageType = .request
        $0.bootItem = PXEVendorOptions.BootItem(type: type, layer: 0)
      }
    }
    #expect(request(1).reasons == [.foreignBootItem])
    #expect(request(0x8000).verdict == .acknowledge)
  }
}
