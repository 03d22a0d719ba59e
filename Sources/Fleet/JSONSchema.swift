import Foundation

/// A JSON schema in the words that the schemas of `templates/schema` use. Another word is refused, so that a rule is
/// never silently passed over.
public struct JSONSchema: Sendable {
  private let root: JSONValue
  private let others: [String: JSONSchema]

  /// - Parameter others: schemas that this one may refer to, by the name of their file.
  /// - Throws: ``FleetError/invalidValue(field:reason:)`` where a text is no schema.
  public init(_ data: Data, name: String, beside others: [String: JSONSchema] = [:]) throws(FleetError) {
    guard let value = try? JSONDecoder().decode(JSONValue.self, from: data), case .object = value else {
      throw .invalidValue(field: name, reason: "this is no JSON schema")
    }
    (root, self.others) = (value, others)
  }

  /// What is wrong with a value: each a field's path and a sentence, as `network.interfaces[0].mac: …`.
  public func problems(of value: JSONValue) throws(FleetError) -> [String] {
    try check(value, root.fields, at: "")
  }

  private static let words: Set = [
    "$defs", "$id", "$ref", "$schema", "additionalProperties", "const", "description", "enum", "items", "maximum",
    "minItems", "minimum", "pattern", "properties", "required", "title", "type", "uniqueItems",
  ]

  /// Follows `#/$defs/mac` or `machine.schema.json#/properties/network`.
  private func follow(_ reference: String) throws(FleetError) -> (JSONSchema, [String: JSONValue]) {
    let parts = reference.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let schema = parts[0].isEmpty ? self : others[String(parts[0])] else {
      throw .invalidValue(field: "schema", reason: "'\(reference)' leads nowhere")
    }
    var rule = schema.root
    for name in parts[1].split(separator: "/") { rule = rule.fields[String(name)] ?? .null }
    guard case .object(let found) = rule else {
      throw .invalidValue(field: "schema", reason: "'\(reference)' leads nowhere")
    }
    return (schema, found)
  }

  private func check(_ value: JSONValue, _ rule: [String: JSONValue], at path: String) throws(FleetError)
    -> [String]
  {
    if case .text(let reference)? = rule["$ref"] {
      let (schema, found) = try follow(reference)
      return try schema.check(value, found, at: path)
    }
    if let odd = rule.keys.first(where: { !JSONSchema.words.contains($0) }) {
      throw .invalidValue(field: "schema", reason: "the word '\(odd)' at '\(path)' is not known")
    }
    if let constant = rule["const"] {
      return value == constant ? [] : [wrong(path, "has to be \(constant.compact)", rule)]
    }
    if case .array(let choices)? = rule["enum"] {
      return choices.contains(value)
        ? [] : [wrong(path, "\(shown(value)) is none of \(choices.map(\.compact).joined(separator: ", "))", rule)]
    }
    guard case .text(let type)? = rule["type"] else { return [] }
    switch (type, value) {
    case ("object", .object(let fields)): return try check(fields, rule, at: path)
    case ("array", .array(let items)): return try check(items, rule, at: path)
    case ("string", .text(let text)): return try check(text, rule, at: path)
    case ("integer", .integer(let number)): return check(number, rule, at: path)
    case ("boolean", .bool): return []
    default: return [wrong(path, "has to be \(JSONSchema.typeNames[type] ?? type)", rule)]
    }
  }

  private static let typeNames = [
    "array": "a list", "boolean": "true or false", "integer": "a whole number", "object": "an object",
    "string": "text",
  ]

  private func check(_ fields: [String: JSONValue], _ rule: [String: JSONValue], at path: String) throws(FleetError)
    -> [String]
  {
    func below(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
    var known: [String: JSONValue] = [:]
    if case .object(let properties)? = rule["properties"] { known = properties }
    var problems: [String] = []
    if case .array(let required)? = rule["required"] {
      for case .text(let name) in required where fields[name] == nil { problems.append("\(below(name)): is missing") }
    }
    for (name, value) in fields.sorted(by: { $0.key < $1.key }) {
      if case .object(let property)? = known[name] {
        problems += try check(value, property, at: below(name))
      } else if rule["additionalProperties"] == .bool(false) {
        problems.append(
          "\(displayable(below(name), limit: 120)): there is no such field; known are "
            + known.keys.sorted().joined(separator: ", "))
      }
    }
    return problems
  }

  private func check(_ items: [JSONValue], _ rule: [String: JSONValue], at path: String) throws(FleetError) -> [String]
  {
    var problems: [String] = []
    if case .integer(let least)? = rule["minItems"], items.count < least {
      problems.append(wrong(path, "needs at least \(least)", rule))
    }
    if rule["uniqueItems"] == .bool(true), Set(items).count < items.count {
      problems.append(wrong(path, "names the same twice", rule))
    }
    if case .object(let item)? = rule["items"] {
      for (index, value) in items.enumerated() { problems += try check(value, item, at: "\(path)[\(index)]") }
    }
    return problems
  }

  private func check(_ text: String, _ rule: [String: JSONValue], at path: String) throws(FleetError) -> [String] {
    guard case .text(let pattern)? = rule["pattern"] else { return [] }
    // Bounded, because a pattern's time may grow with the square of the text's length.
    if text.utf8.count <= 16_384 {
      let expression: Regex<AnyRegexOutput>
      do { expression = try Regex(pattern).matchingSemantics(.unicodeScalar) } catch {
        throw .invalidValue(field: "schema", reason: "the pattern \(pattern) at '\(path)' can not be read: \(error)")
      }
      if (try? expression.wholeMatch(in: text)) != nil { return [] }
    }
    return [wrong(path, "\(shown(.text(text))) is not possible here", rule)]
  }

  private func check(_ number: Int64, _ rule: [String: JSONValue], at path: String) -> [String] {
    if case .integer(let least)? = rule["minimum"], number < least {
      return [wrong(path, "\(number) is under \(least)", rule)]
    }
    if case .integer(let most)? = rule["maximum"], number > most {
      return [wrong(path, "\(number) is over \(most)", rule)]
    }
    return []
  }

  private func wrong(_ path: String, _ message: String, _ rule: [String: JSONValue]) -> String {
    var text = "\(path.isEmpty ? "(the whole)" : path): \(message)"
    if case .text(let description)? = rule["description"] { text += "; expected \(description)" }
    return text
  }

  private func shown(_ value: JSONValue) -> String { displayable(value.compact, limit: 120) }
}
