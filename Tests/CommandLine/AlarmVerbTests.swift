import AgentProtocol
import Fleet
import Foundation
import Testing

@Suite(
  "Alarms of nodes on the command line",
  .enabled(if: ApplianceProcess.isPossible, "needs root and a built bootstead"), .timeLimit(.minutes(10)))
struct AlarmVerbTests {
  @Test("what a node says is to be seen to is in 'machine show', 'machine list', 'status' and 'watch'")
  func shown() async throws {
    try await withAppliance { appliance in
      let node = try await RebuildVerbTests().install(in: appliance.data())
      let fleet = try Fleet(path: appliance.data() + "/fleet.sqlite")
      let signed = try SignedRequest.sign(
        method: "POST", path: "/", body: [], session: SessionIdentifier(node: node.publicKey), counter: 2, key: node)
      let texts = ["the pool data/thin is full to 81.0 %", "photos: the last restore failed: no answer"]
      try await fleet.report(
        NodeReport(
          machineName: "node1", nodeKey: node.publicKey, closure: RebuildVerbTests.closure, kernel: "6",
          bootIdentifier: "b", uptime: 1, alarms: texts.map { NodeAlarm($0) }), signed: signed)
      try fleet.close()
      try await appliance.serving {
        let shown = try await appliance.bootstead("machine", "show", "node1")
        for text in texts { #expect(shown.output.contains("alarm      \(text)"), "\(shown)") }
        let detail = try await appliance.bootstead("machine", "show", "node1", "--json").json as? [String: Any]
        #expect(Set((detail?["alarms"] as? [[String: Any]] ?? []).compactMap { $0["text"] as? String }) == Set(texts))
        let list = try await appliance.bootstead("machine", "list")
        #expect(list.output.contains("alarm: ") && list.output.contains("(2 alarms)"), "\(list)")
        let status = try await appliance.bootstead("status")
        for text in texts { #expect(status.output.contains("alarm      node1: \(text)"), "\(status)") }
      }
    }
  }
}
