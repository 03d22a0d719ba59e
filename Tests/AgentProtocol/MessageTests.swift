import AgentProtocol
import Testing

@Suite("Messages")
struct MessageTests {
  @Test("a boot overlay comes back from its JSON")
  func overlay() throws {
    let overlay = BootOverlay(
      applianceURL: "http://192.0.2.1:8080", appliancePublicKey: try SigningPrivateKey().publicKey,
      bootNonce: BootNonce(), machineName: nil, mode: .install)
    let bytes = try MessageCoder.encode(overlay)
    #expect(try MessageCoder.decode(BootOverlay.self, from: bytes) == overlay)
    #expect(String(decoding: bytes, as: UTF8.self).contains(#""applianceURL":"http://192.0.2.1:8080""#))
  }

  @Test("every kind of task comes back from its JSON")
  func tasks() throws {
    for task in [AgentTask.wait(reason: "for you", seconds: 5), .reboot, .inventoryOnly, .refuse(reason: "no")] {
      let bytes = try MessageCoder.encode(task)
      let read = try MessageCoder.decode(AgentTask.self, from: bytes)
      #expect("\(read)" == "\(task)")
    }
  }

  @Test("a waiting time is held between one second and one minute", arguments: [(-5, 1), (0, 1), (7, 7), (9_999, 60)])
  func waitingTime(given: Int, read: Int) throws {
    let json = #"{"task":"wait","reason":"r","seconds":\#(given)}"#
    guard case .wait(_, let seconds) = try MessageCoder.decode(AgentTask.self, from: Array(json.utf8)) else {
      Issue.record("not a wait")
      return
    }
    #expect(seconds == read)
  }

  @Test(
    "a malformed message is refused with the place that is wrong",
    arguments: [
      (#"{"bootNonce":"xyz"}"#, "nonce"), (#"{}"#, "bootNonce"), (#"{"bootNonce":7}"#, "bootNonce"), ("[", "JSON"),
      ("", "JSON"),
    ])
  func malformed(json: String, named: String) {
    do {
      _ = try MessageCoder.decode(BeginRequest.self, from: Array(json.utf8))
      Issue.record("it was accepted")
    } catch {
      #expect("\(error)".contains("BeginRequest"))
      #expect("\(error)".contains(named))
    }
  }

  @Test("a message over the limit is refused before it is read")
  func tooLarge() {
    let bytes = [UInt8](repeating: 32, count: MessageCoder.limit + 1)
    #expect(throws: MessageCoder.Failure.self) { try MessageCoder.decode(BeginRequest.self, from: bytes) }
  }
}
