/// Why a value is none for a parameter, and what would be.
struct ParameterProblem: Error {
  var text: String
}

extension StackParameter {
  /// What a node of a file says, as a value of this parameter.
  func value(_ node: ComposeNode) throws(ParameterProblem) -> StackParameterValue {
    let value: StackParameterValue? =
      switch node.content {
      case .boolean(let value): .boolean(value)
      case .integer(let number): .integer(number)
      case .string(let text), .number(let text): .string(text)
      case .sequence(let elements):
        elements.allSatisfy { $0.scalarText != nil } ? .list(elements.compactMap(\.scalarText)) : nil
      case .null, .mapping: nil
      }
    guard let value else { throw ParameterProblem(text: "is \(node.kind); it takes \(expected)") }
    return try checked(value)
  }

  /// - Throws: ``ParameterProblem`` where the value is of another type or out of range.
  func checked(_ value: StackParameterValue) throws(ParameterProblem) -> StackParameterValue {
    switch (type, value) {
    case (.string, .string(let text)):
      guard text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7f }) else {
        throw ParameterProblem(text: "has a control character; it takes one line of text")
      }
    case (.boolean, .boolean): break
    case (.integer, .integer(let number)):
      guard number >= minimum ?? Int.min, number <= maximum ?? Int.max else {
        throw ParameterProblem(text: "is \(number); it takes \(expected)")
      }
    case (.choice, .string(let text)):
      guard choices.contains(text) else { throw ParameterProblem(text: "is '\(text)'; it takes \(expected)") }
    case (.choice, .integer(let number)) where choices.contains(String(number)): return .string(String(number))
    case (.list, .list(let texts)):
      guard texts.allSatisfy({ !$0.isEmpty && !$0.contains(",") && $0.unicodeScalars.allSatisfy { $0.value >= 0x20 } })
      else { throw ParameterProblem(text: "has an element that is empty or has a comma; give each one for itself") }
    default: throw ParameterProblem(text: "is of another type; it takes \(expected)")
    }
    return value
  }

  private var expected: String {
    switch type {
    case .string: "a text"
    case .boolean: "true or false"
    case .choice: "one of " + choices.joined(separator: ", ")
    case .list: "a list of texts"
    case .integer:
      switch (minimum, maximum) {
      case (let low?, let high?): "a whole number from \(low) to \(high)"
      case (let low?, nil): "a whole number from \(low)"
      case (nil, let high?): "a whole number up to \(high)"
      case (nil, nil): "a whole number"
      }
    }
  }
}
