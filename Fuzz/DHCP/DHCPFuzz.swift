import BootDecision
import DHCP
import NetworkAddress

/// libFuzzer's entry: any datagram is parsed, written again, classified, decided on and answered.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzDHCP(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  _ = try? PXEVendorOptions(bytes)
  _ = IPXEOptions(bytes)
  guard let message = try? DHCPMessage(bytes) else { return 0 }
  checkRoundTrip(message)
  _ = ForeignServer(message, interface: "lan")
  for port in [BootPort.dhcp, .bootServer] {
    guard let facts = try? ClientFacts(message, port: port, interface: "lan") else { continue }
    for intent in [BootIntent.install, .localDisk, .blocked] {
      answer(message, facts, MachineView(name: "node1", intent: intent))
    }
    answer(message, facts, nil)
  }
  return 0
}

/// What was parsed has a wire form that says the same; an option 82 moves to the end.
private func checkRoundTrip(_ message: DHCPMessage) {
  guard let again = try? message.serialised(), let parsed = try? DHCPMessage(again) else {
    // Options of many overlong pieces can exceed one datagram, and nothing else can go wrong.
    precondition(message.options.reduce(0) { $0 + $1.value.count } > 60_000, "a parsed message has no wire form")
    return
  }
  var left = message
  var right = parsed
  precondition(left.options[.relayAgentInformation] == right.options[.relayAgentInformation], "option 82 changed")
  left.options[.relayAgentInformation] = nil
  right.options[.relayAgentInformation] = nil
  precondition(left == right, "a message changed on its way over the wire")
}

private func answer(_ message: DHCPMessage, _ facts: ClientFacts, _ machine: MachineView?) {
  let policy = BootPolicy(
    enrolment: .inventory, addresses: ["lan": IPv4Address(192, 0, 2, 1)], relays: .privateAddresses)
  for ignored in 0..<3 {
    let history = ClientHistory(ignoredOffers: ignored)
    let decision = BootDecision.decide(facts, machine: machine, policy: policy, history: history)
    guard let reply = try? ReplyBuilder.bytes(for: message, decision) else { continue }
    precondition(reply.count >= 300 && reply.count <= 1472, "a reply of \(reply.count) bytes")
    precondition((try? DHCPMessage(reply)) != nil, "a reply that is no message")
  }
}
