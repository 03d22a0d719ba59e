/// Gathers what is wrong with one file.
final class RefusalLog {
  let file: String
  private(set) var refusals: [StackRefusal] = []

  init(file: String) { self.file = file }

  func refuse(_ rule: StackRuleName, _ line: Int, _ text: String) {
    refusals.append(StackRefusal(file: file, line: line, rule: rule, text: text))
  }
}

/// Reads the fields of a mapping; what is of another type, missing or unknown goes to the log.
struct FieldReader {
  let node: ComposeNode
  let path: String
  let rule: StackRuleName
  let log: RefusalLog
  private var known: Set<String> = []

  /// Nil where the node is no mapping, which the log then says.
  init?(_ node: ComposeNode, _ path: String, rule: StackRuleName = .schema, log: RefusalLog) {
    (self.node, self.path, self.rule, self.log) = (node, path, rule, log)
    guard node.mapping != nil else {
      log.refuse(rule, node.line, "\(path) is \(node.kind); give it its fields")
      return nil
    }
  }

  func refuse(_ line: Int, _ text: String) { log.refuse(rule, line, "\(path)\(text)") }

  /// A field that may be missing.
  mutating func optional(_ key: String) -> ComposeNode? {
    known.insert(key)
    guard let value = node[key], value.content != .null else { return nil }
    return value
  }

  mutating func required(_ key: String) -> ComposeNode? {
    guard let value = optional(key) else {
      refuse(node.line, ".\(key) is missing; add it")
      return nil
    }
    return value
  }

  func text(_ value: ComposeNode, _ key: String) -> String? {
    guard let text = value.scalarText, !text.isEmpty else {
      refuse(value.line, ".\(key) is \(value.kind); it takes a text")
      return nil
    }
    return text
  }

  mutating func text(_ key: String) -> String? { required(key).flatMap { text($0, key) } }
  mutating func optionalText(_ key: String) -> String? { optional(key).flatMap { text($0, key) } }

  mutating func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
    required(key).flatMap { integer($0, key, in: range) }
  }

  mutating func optionalInteger(_ key: String, in range: ClosedRange<Int>) -> Int? {
    optional(key).flatMap { integer($0, key, in: range) }
  }

  private func integer(_ value: ComposeNode, _ key: String, in range: ClosedRange<Int>) -> Int? {
    guard let number = value.integer, range.contains(number) else {
      refuse(value.line, ".\(key) is no whole number from \(range.lowerBound) to \(range.upperBound); correct it")
      return nil
    }
    return number
  }

  mutating func boolean(_ key: String, default standard: Bool) -> Bool {
    guard let value = optional(key) else { return standard }
    guard let boolean = value.boolean else {
      refuse(value.line, ".\(key) is \(value.kind); it takes true or false")
      return standard
    }
    return boolean
  }

  mutating func choice<Choice: RawRepresentable & CaseIterable>(_ key: String, of type: Choice.Type) -> Choice?
  where Choice.RawValue == String {
    guard let value = required(key), let text = text(value, key) else { return nil }
    guard let choice = Choice(rawValue: text) else {
      let all = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      refuse(value.line, ".\(key) is '\(text)'; it takes one of \(all)")
      return nil
    }
    return choice
  }

  /// The elements of a list; an empty one where the field is missing.
  mutating func list(_ key: String) -> [ComposeNode] {
    guard let value = optional(key) else { return [] }
    guard let elements = value.sequence else {
      refuse(value.line, ".\(key) is \(value.kind); it takes a list")
      return []
    }
    return elements
  }

  mutating func texts(_ key: String) -> [LinedText] {
    list(key).compactMap { element in text(element, key).map { LinedText($0, element.line) } }
  }

  /// A command: a list of at least one text.
  mutating func command(_ key: String) -> [String]? {
    guard let value = required(key) else { return nil }
    guard let elements = value.sequence, !elements.isEmpty else {
      refuse(value.line, ".\(key) is \(value.kind); it takes a list: the program, then its arguments")
      return nil
    }
    let words = elements.compactMap(\.scalarText)
    guard words.count == elements.count else {
      refuse(value.line, ".\(key) has an argument that is no text; quote it")
      return nil
    }
    return words
  }

  /// The entries of a mapping; none where the field is missing.
  mutating func entries(_ key: String) -> [ComposeNode.Entry] {
    guard let value = optional(key) else { return [] }
    guard let entries = value.mapping else {
      refuse(value.line, ".\(key) is \(value.kind); it takes a mapping by name")
      return []
    }
    return entries
  }

  /// Refuses what was never asked for.
  func finish(alsoKnown: Set<String> = []) {
    for entry in node.mapping ?? [] where !known.contains(entry.key) && !alsoKnown.contains(entry.key) {
      refuse(
        entry.line, " has no field '\(entry.key)'; known are \(known.union(alsoKnown).sorted().joined(separator: ", "))"
      )
    }
  }
}

/// A text and the line that it is on.
public struct LinedText: Hashable, Sendable {
  public var text: String
  public var line: Int

  public init(_ text: String, _ line: Int) { (self.text, self.line) = (text, line) }
}
