import StackTemplates
import Testing

@Suite("Texts that are no Compose files")
struct TextLimitTests {
  static let limits: [(name: String, text: String, line: Int)] = [
    ("empty", "", 1),
    ("a list", "- a\n- b\n", 1),
    ("broken", "name: notes\nservices:\n  - a\n b: c\n", 4),
    ("a key twice", "name: notes\nservices:\n  a: {}\n  a: {}\n", 3),
    ("a key twice in a flow", "name: notes\nservices: { a: {}, a: {} }\n", 2),
    ("two documents", "name: notes\n---\nname: notes\n", 2),
    ("an alias that leads nowhere", "name: notes\nservices: *none\n", 2),
    ("a list as key", "name: notes\n? [a, b]\n: c\n", 2),
    ("a merge of a text", "name: notes\nservices:\n  <<: text\n", 3),
  ]

  @Test("are refused with the line", arguments: limits.indices)
  func refused(_ index: Int) {
    let one = Self.limits[index]
    let refusals = SampleStack.refusals(one.text)
    #expect(refusals.map(\.rule) == [.composeField], "\(one.name): \(refusals)")
    #expect(abs((refusals.first?.line ?? -9) - one.line) <= 1, "\(one.name): \(refusals)")
  }

  @Test("aliases that multiply are refused at once")
  func bomb() {
    var text = "name: notes\na0: &a0 [x, x]\n"
    for level in 1...30 { text += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
    let refusals = SampleStack.refusals(text)
    #expect(refusals.map(\.rule) == [.composeField])
    #expect(refusals.first?.text.contains("aliases") == true)
  }

  @Test("few aliases that repeat much are refused")
  func wideBomb() {
    var text = "name: notes\na0: &a0 [" + Array(repeating: "x", count: 2000).joined(separator: ", ") + "]\n"
    for level in 1...8 { text += "a\(level): &a\(level) [*a\(level - 1), *a\(level - 1)]\n" }
    let refusals = SampleStack.refusals(text)
    #expect(refusals.first?.text.contains("values") == true, "\(refusals)")
  }

  @Test("a few anchors are taken, and merged as Compose does")
  func anchors() throws {
    let text = SampleStack.small(
      "one",
      extra: "  more:\n    <<: &base { restart: always }\n    image: a:1.0\n  third:\n    <<: *base\n    image: b:1.0\n"
    )
    let template = try SampleStack.template(text, files: [:])
    #expect(template.refusals().isEmpty)
    #expect(template.compose.service("third")?.restart?.text == "always")
  }

  @Test("depth has an end", arguments: ["[", "{a: ", "- "])
  func deep(_ opening: String) {
    let text = "name: notes\nservices: " + (opening == "- " ? "\n  " : "") + String(repeating: opening, count: 900)
    #expect(SampleStack.refusals(text).map(\.rule) == [.composeField])
    let closed =
      "name: notes\nservices: " + String(repeating: "[", count: 200) + String(repeating: "]", count: 200) + "\n"
    #expect(SampleStack.refusals(closed).first?.text.contains("levels") == true)
  }

  @Test("size has an end")
  func large() {
    let text = SampleStack.notes + String(repeating: "# more\n", count: 160_000)
    #expect(SampleStack.refusals(text).first?.text.contains("1 MiB") == true)
  }

  @Test("bytes that are no text")
  func notText() {
    #expect(throws: StackRefusals.self) {
      try StackTemplate(name: "notes", file: "compose.yaml", compose: [0xff, 0xfe, 0x00])
    }
  }

  @Test("scalars are read as Compose reads them")
  func scalars() throws {
    let text = SampleStack.small(
      "one", extra: "    environment: { A: no, B: 0440, C: 22:22, D: 1.50, E: 0x10, F: ~ }\n")
    let template = try SampleStack.template(text, files: [:])
    let values = try #require(template.compose.service("app")).environment.map { $0.value ?? "-" }
    #expect(values == ["no", "288", "22:22", "1.50", "16", "-"])
  }
}
