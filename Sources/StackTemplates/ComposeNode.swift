import StackSet

/// A part of a Compose file, with the line that it begins on.
public struct ComposeNode: Hashable, Sendable {
  public indirect enum Content: Hashable, Sendable {
    case null
    case boolean(Bool)
    case integer(Int)
    /// Another number, as it was written.
    case number(String)
    case string(String)
    case sequence([ComposeNode])
    case mapping([Entry])
  }

  public struct Entry: Hashable, Sendable {
    public var key: String
    public var line: Int
    public var value: ComposeNode

    public init(_ key: String, line: Int, _ value: ComposeNode) {
      (self.key, self.line, self.value) = (key, line, value)
    }
  }

  public var line: Int
  public var content: Content

  public init(_ content: Content, line: Int = 0) { (self.content, self.line) = (content, line) }

  public init(_ text: String) { self.init(.string(text)) }
  public init(_ elements: [ComposeNode]) { self.init(.sequence(elements)) }

  /// A mapping that is sorted by its keys.
  public init(_ entries: [String: ComposeNode]) {
    self.init(.mapping(entries.sorted { $0.key < $1.key }.map { Entry($0.key, line: 0, $0.value) }))
  }

  public var string: String? {
    guard case .string(let text) = content else { return nil }
    return text
  }

  public var integer: Int? {
    guard case .integer(let number) = content else { return nil }
    return number
  }

  public var boolean: Bool? {
    guard case .boolean(let value) = content else { return nil }
    return value
  }

  public var sequence: [ComposeNode]? {
    guard case .sequence(let elements) = content else { return nil }
    return elements
  }

  public var mapping: [Entry]? {
    guard case .mapping(let entries) = content else { return nil }
    return entries
  }

  /// What a scalar says, whatever its type; nil for lists and mappings, and for nothing.
  public var scalarText: String? {
    switch content {
    case .boolean(let value): value ? "true" : "false"
    case .integer(let number): String(number)
    case .number(let text), .string(let text): text
    case .null, .sequence, .mapping: nil
    }
  }

  public var kind: String {
    switch content {
    case .null: "nothing"
    case .boolean: "true or false"
    case .integer, .number: "a number"
    case .string: "a text"
    case .sequence: "a list"
    case .mapping: "a mapping"
    }
  }

  public subscript(key: String) -> ComposeNode? {
    get { mapping?.first { $0.key == key }?.value }
    set {
      guard case .mapping(var entries) = content else { return }
      let index = entries.firstIndex { $0.key == key }
      switch (index, newValue) {
      case (let index?, let value?): entries[index].value = value
      case (let index?, nil): entries.remove(at: index)
      case (nil, let value?): entries.append(Entry(key, line: value.line, value))
      case (nil, nil): break
      }
      content = .mapping(entries)
    }
  }

  public func entry(_ key: String) -> Entry? { mapping?.first { $0.key == key } }

  /// Every text of the node, keys left out, with its line.
  public func forEachText(_ body: (String, Int) -> Void) {
    switch content {
    case .string(let text): body(text, line)
    case .sequence(let elements): for element in elements { element.forEachText(body) }
    case .mapping(let entries): for entry in entries { entry.value.forEachText(body) }
    case .null, .boolean, .integer, .number: break
    }
  }

  /// The same node with every text changed.
  public func mapTexts<Failure: Error>(_ change: (String, Int) throws(Failure) -> String) throws(Failure) -> ComposeNode
  {
    var node = self
    switch content {
    case .string(let text): node.content = .string(try change(text, line))
    case .sequence(let elements):
      var changed: [ComposeNode] = []
      for element in elements { changed.append(try element.mapTexts(change)) }
      node.content = .sequence(changed)
    case .mapping(let entries):
      var changed: [Entry] = []
      for entry in entries { changed.append(Entry(entry.key, line: entry.line, try entry.value.mapTexts(change))) }
      node.content = .mapping(changed)
    case .null, .boolean, .integer, .number: break
    }
    return node
  }
}

extension ComposeNode: Encodable {
  private struct Key: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  public func encode(to encoder: any Encoder) throws {
    switch content {
    case .mapping(let entries):
      var container = encoder.container(keyedBy: Key.self)
      for entry in entries { try container.encode(entry.value, forKey: Key(stringValue: entry.key)) }
    case .sequence(let elements):
      var container = encoder.unkeyedContainer()
      for element in elements { try container.encode(element) }
    case .null:
      var container = encoder.singleValueContainer()
      try container.encodeNil()
    case .boolean(let value):
      var container = encoder.singleValueContainer()
      try container.encode(value)
    case .integer(let number):
      var container = encoder.singleValueContainer()
      try container.encode(number)
    case .number(let text):
      var container = encoder.singleValueContainer()
      if let number = Double(text), number.isFinite { try container.encode(number) } else { try container.encode(text) }
    case .string(let text):
      var container = encoder.singleValueContainer()
      try container.encode(text)
    }
  }
}
