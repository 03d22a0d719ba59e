import Yams

/// Reads YAML, as far as Compose files need it, into ``ComposeNode``.
///
/// Scalars are read as Compose reads them (YAML 1.2 and octal numbers): `no` is a text, `0440` is 288.
enum ComposeText {
  /// Bytes of a Compose file.
  static let byteLimit = 1 << 20
  /// Lists and mappings in each other.
  static let depthLimit = 32
  /// Nodes after aliases were followed.
  static let nodeLimit = 50_000
  /// `*name`: each may repeat all that came before it.
  static let aliasLimit = 16

  static func read(_ bytes: [UInt8], file: String) throws(StackRefusals) -> ComposeNode {
    func refusal(_ line: Int, _ text: String) -> StackRefusals {
      StackRefusals([StackRefusal(file: file, line: line, rule: .composeField, text: text)])
    }
    guard bytes.count <= byteLimit else {
      throw refusal(1, "the file has more than 1 MiB; leave out what is no Compose")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw refusal(1, "the file is no UTF-8; save it as that")
    }
    if let line = lineOfAlias(number: aliasLimit + 1, in: bytes) {
      throw refusal(line, "more than \(aliasLimit) aliases; write what repeats once for each service")
    }
    let root: Node?
    do { root = try Parser(yaml: text, encoding: .utf8).singleRoot() } catch {
      throw refusal(line(of: error), "this is no YAML: \(problem(of: error)); correct it there")
    }
    guard let root else { throw refusal(1, "the file is empty; it has to hold services and x-bootstead") }
    var reader = NodeReader()
    let node: ComposeNode
    do { node = try reader.read(root, depth: 0) } catch { throw refusal(error.line, error.text) }
    guard node.mapping != nil else { throw refusal(node.line, "the file is \(node.kind) and no mapping of fields") }
    return node
  }

  /// The line of the alias with this number, where there are so many. What looks like one in a block of text counts too.
  private static func lineOfAlias(number: Int, in bytes: [UInt8]) -> Int? {
    var line = 1
    var found = 0
    var previous = UInt8(ascii: "\n")
    for (index, byte) in bytes.enumerated() {
      if byte == UInt8(ascii: "*"), index + 1 < bytes.count, isNameByte(bytes[index + 1]), isBeforeAlias(previous) {
        found += 1
        if found == number { return line }
      }
      if byte == UInt8(ascii: "\n") { line += 1 }
      previous = byte
    }
    return nil
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "_"), UInt8(ascii: "-"):
      true
    default: false
    }
  }

  /// Letters, digits and slashes stand before a star in patterns and in prose; an alias comes after anything else.
  private static func isBeforeAlias(_ byte: UInt8) -> Bool {
    !isNameByte(byte) && byte != UInt8(ascii: "/") && byte != UInt8(ascii: ".")
  }

  private static func line(of error: any Error) -> Int {
    switch error as? YamlError {
    case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _): mark.line
    case .duplicatedKeysInMapping(_, let context): context.mark.line
    default: 1
    }
  }

  private static func problem(of error: any Error) -> String {
    switch error as? YamlError {
    case .scanner(_, let problem, _, _), .parser(_, let problem, _, _), .composer(_, let problem, _, _),
      .reader(let problem, _, _, _):
      problem
    case .duplicatedKeysInMapping(let duplicates, _):
      "the key \(duplicates.sorted().joined(separator: ", ")) is there twice"
    default: "it can not be read"
    }
  }
}

/// Follows the parser's tree, with limits.
private struct NodeReader {
  struct Problem: Error {
    var line: Int
    var text: String
  }

  private var nodes = 0

  mutating func read(_ node: Node, depth: Int) throws(Problem) -> ComposeNode {
    let line = node.mark?.line ?? 0
    nodes += 1
    guard nodes <= ComposeText.nodeLimit else {
      throw Problem(line: line, text: "more than \(ComposeText.nodeLimit) values; do not repeat them by aliases")
    }
    guard depth < ComposeText.depthLimit else {
      throw Problem(
        line: line, text: "more than \(ComposeText.depthLimit) levels in each other; no field of Compose is so deep")
    }
    switch node {
    case .scalar(let scalar): return ComposeNode(content(scalar), line: line)
    case .sequence(let sequence):
      var elements: [ComposeNode] = []
      for element in sequence { elements.append(try read(element, depth: depth + 1)) }
      return ComposeNode(.sequence(elements), line: line)
    case .mapping(let mapping): return ComposeNode(.mapping(try entries(mapping, depth: depth)), line: line)
    case .alias: throw Problem(line: line, text: "an alias that leads nowhere; write the value itself")
    }
  }

  private mutating func entries(_ mapping: Node.Mapping, depth: Int) throws(Problem) -> [ComposeNode.Entry] {
    var own: [ComposeNode.Entry] = []
    var names: Set<String> = []
    var merged: [ComposeNode.Entry] = []
    var mergedNames: Set<String> = []
    for (key, value) in mapping {
      let line = key.mark?.line ?? 0
      guard case .scalar(let name) = key else {
        throw Problem(line: line, text: "a key that is a list or a mapping; keys are texts")
      }
      let content = try read(value, depth: depth + 1)
      if name.string == "<<", name.style == .plain {
        let parts = content.sequence ?? [content]
        guard parts.allSatisfy({ $0.mapping != nil }) else {
          throw Problem(line: line, text: "<< takes a mapping, or a list of them")
        }
        for entry in parts.flatMap({ $0.mapping ?? [] }) where mergedNames.insert(entry.key).inserted {
          merged.append(entry)
        }
      } else {
        guard names.insert(name.string).inserted else {
          throw Problem(line: line, text: "the key \(name.string) is there twice; keep one")
        }
        own.append(ComposeNode.Entry(name.string, line: line, content))
      }
    }
    return own + merged.filter { !names.contains($0.key) }
  }

  private func content(_ scalar: Node.Scalar) -> ComposeNode.Content {
    let text = scalar.string
    guard scalar.style == .plain || scalar.style == .any else { return .string(text) }
    switch text {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE": return .boolean(true)
    case "false", "False", "FALSE": return .boolean(false)
    default: break
    }
    guard let first = text.utf8.first, text.utf8.count <= 40,
      first == UInt8(ascii: "-") || first == UInt8(ascii: "+") || first == UInt8(ascii: ".")
        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
    else { return .string(text) }
    if let number = integer(text) { return .integer(number) }
    let isDecimal = text.utf8.allSatisfy { byte in
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "+-.eE".utf8.contains(byte)
    }
    if isDecimal, let number = Double(text), number.isFinite { return .number(text) }
    return .string(text)
  }

  private func integer(_ text: String) -> Int? {
    if text.hasPrefix("0x") { return Int(text.dropFirst(2), radix: 16) }
    if text.hasPrefix("0o") { return Int(text.dropFirst(2), radix: 8) }
    if text.count > 1, text.hasPrefix("0") { return Int(text.dropFirst(), radix: 8) }
    return Int(text)
  }
}
