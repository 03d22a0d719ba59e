import BootDecision
import DHCP
import Foundation
import NetworkAddress
import Testing

@Suite("Decisions as JSON")
struct CodableTests {
  @Test("a record is the same after the trip, and names its rules by stable words")
  func record() throws {
    var facts = Facts.client(.iPXE, .x64UEFI)
    facts.iPXEFeatures = [.http, .efi]
    facts.uuid = SystemUUID(wireBytes: Array(1...16))
    facts.bootItem = PXEVendorOptions.BootItem(type: 0x8000, layer: 0)
    let decision = BootDecision.decide(
      facts, machine: Facts.machine(.hold(reason: "three boots without a report")), policy: Facts.policy())
    let record = BootDecisionRecord(time: 1_700_000_000_000, client: facts, decision: decision)
    let data = try JSONEncoder().encode(record)
    #expect(try JSONDecoder().decode(BootDecisionRecord.self, from: data) == record)
    #expect(String(decoding: data, as: UTF8.self).contains("\"iPXEGetsScript\""))
  }

  @Test("a policy is the same after the trip")
  func policy() throws {
    var policy = Facts.policy(.inventory)
    policy.relays = .only([IPv4Address(10, 0, 0, 1)])
    let data = try JSONEncoder().encode(policy)
    #expect(try JSONDecoder().decode(BootPolicy.self, from: data) == policy)
  }

  @Test(
    "a loader's name is no path",
    arguments: ["", ".", "..", "../x", "a/b", "a b", ".hidden", "ä", "a\n", String(repeating: "a", count: 65)])
  func loaderNames(text: String) {
    #expect(throws: InvalidLoaderName(text: text)) { try LoaderName(text) }
    #expect(throws: (any Error).self) { try JSONDecoder().decode(LoaderName.self, from: JSONEncoder().encode(text)) }
  }
}
