import AgentProtocol
import Testing

@Suite("Alarms in reports")
struct NodeAlarmTests {
  @Test("one subject counts once, texts are cut, and the last one tells of those that are too many")
  func bounds() {
    let long = String(repeating: "ä", count: 2000)
    let many = (0..<1000).map { NodeAlarm(subject: "\($0)" + long, text: long) }
    let bounded = NodeAlarm.bounded(many + many)
    #expect(bounded.count == NodeAlarm.limit)
    #expect(Set(bounded.map(\.subject)).count == NodeAlarm.limit)
    #expect(bounded.allSatisfy { $0.subject.count <= NodeAlarm.subjectLimit && $0.text.count <= NodeAlarm.textLimit })
    #expect(bounded.last?.text.hasPrefix("937 further alarms") == true)
    #expect(NodeAlarm.bounded(bounded) == bounded)
    let two = [NodeAlarm("a"), NodeAlarm(subject: "a", text: "b"), NodeAlarm("c")]
    #expect(NodeAlarm.bounded(two) == [NodeAlarm("a"), NodeAlarm("c")])
  }

  @Test("a report whose alarms are of another form is refused", arguments: 0..<10)
  func damaged(seed: Int) throws {
    var random = SeededGenerator(state: UInt64(seed) &+ 500)
    var report = NodeReport(
      machineName: "n", nodeKey: try SigningPrivateKey().publicKey, closure: "c", kernel: "6", bootIdentifier: "b",
      uptime: 1)
    report.alarms = [NodeAlarm(subject: "s", text: "t")]
    let bytes = try MessageCoder.encode(report)
    for _ in 0..<100 {
      var changed = bytes
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        changed[Int.random(in: changed.indices, using: &random)] = UInt8.random(in: .min ... .max, using: &random)
      }
      // Whatever is read is written again as the same.
      guard let read = try? MessageCoder.decode(NodeReport.self, from: changed) else { continue }
      #expect(try MessageCoder.decode(NodeReport.self, from: MessageCoder.encode(read)).alarms == read.alarms)
    }
    let text = String(decoding: bytes, as: UTF8.self)
    for form in [#""alarms":"x""#, #""alarms":[1]"#, #""alarms":[{"subject":"s"}]"#] {
      let other = text.replacing(#""alarms":[{"subject":"s","text":"t"}]"#, with: form)
      #expect(other != text)
      #expect(throws: MessageCoder.Failure.self) { try MessageCoder.decode(NodeReport.self, from: Array(other.utf8)) }
    }
  }
}
