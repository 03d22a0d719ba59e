import AgentProtocol
import BootDecision
import DiskLayout
import Fleet
import Foundation
import NetworkAddress
import Testing

extension AgentAPITests {
  @Test("a node's report brings its task and takes what came of it; a report with names that are none is refused")
  func tasks() async throws {
    let appliance = try BootAppliance()
    try await appliance.add()
    let (key, node) = (try SigningPrivateKey(), try SigningPrivateKey())
    try await appliance.serving { port in
      @Sendable func send(_ agent: inout Agent, counter: UInt64, _ body: [UInt8]) throws -> RawConnection.Answer {
        let request = try SignedRequest.sign(
          method: "POST", path: AgentPath.report, body: body, session: SessionIdentifier(node: node.publicKey),
          counter: counter, key: node)
        return try agent.send(request, body)
      }
      @Sendable func report(_ tasks: [NodeTaskReport]) throws -> [UInt8] {
        try MessageCoder.encode(
          NodeReport(
            machineName: "node1", nodeKey: node.publicKey, closure: BootAppliance.closure, kernel: "6",
            bootIdentifier: "b", uptime: 1, tasks: tasks))
      }
      func ask(_ work: @escaping @Sendable (inout Agent) throws -> Void) async throws {
        try await raw(port) { connection in
          var agent = Agent(connection: connection, key: key, applianceKey: appliance.key.publicKey)
          try work(&agent)
        }
      }
      let boot = try await appliance.fleet.boot(
        BootContact(mac: try MACAddress(BootAppliance.mac), uuid: nil, serial: nil, product: nil, platform: nil),
        enrolment: .closed)
      let nonce = try BootNonce(boot.nonce ?? "")
      try await ask { agent in
        try agent.claim(nonce: nonce)
        guard
          case .install(let install) = try MessageCoder.decode(
            AgentTask.self, from: agent.ask("GET", AgentPath.task).body)
        else { throw AgentRefusal(code: .notExpected, message: "no install") }
        let installed = InstalledReport(
          task: install.identifier, nodeKey: node.publicKey, nodeRecipient: AgeIdentity().recipient, disks: [],
          closure: try #require(install.closure))
        #expect(try agent.ask("POST", AgentPath.installed, MessageCoder.encode(installed)).status == 204)
        let answer = try send(&agent, counter: 1, report([]))
        #expect(try MessageCoder.decode(NodeOrders.self, from: answer.body).task == nil)
      }
      let queued = try await appliance.fleet.queue(QueueTask(.stack(.up, try StackTarget("photos"))), for: "node1")
      try await ask { agent in
        let answer = try send(&agent, counter: 2, report([]))
        let order = try #require(try MessageCoder.decode(NodeOrders.self, from: answer.body).task)
        #expect(order.identifier == queued.task.identifier && order.task == queued.task.task)
        var hostile = String(
          decoding: try report([NodeTaskReport(identifier: order.identifier, state: .running)]), as: UTF8.self)
        hostile = hostile.replacingOccurrences(of: order.identifier.text, with: "; DROP TABLE nodeTask")
        let refused = try send(&agent, counter: 3, Array(hostile.utf8))
        #expect(refused.status == 400)
        #expect(try MessageCoder.decode(AgentRefusal.self, from: refused.body).code == .malformed)
        var end = NodeTaskReport(identifier: order.identifier, state: .succeeded)
        (end.exitCode, end.output) = (0, "photos  started\n")
        #expect(try send(&agent, counter: 4, report([end])).status == 200)
      }
      let ended = try await appliance.fleet.task(queued.task.identifier.text).task
      #expect(ended.state == .succeeded && ended.output == "photos  started\n")
    }
  }
}
