/// A value of a compiled Compose file, which is JSON.
enum ComposeValue: Sendable, Hashable, Codable {
  case null
  case flag(Bool)
  case integer(Int)
  case number(Double)
  case text(String)
  case list([ComposeValue])
  case fields([String: ComposeValue])

  init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let flag = try? value.decode(Bool.self) {
      self = .flag(flag)
    } else if let integer = try? value.decode(Int.self) {
      self = .integer(integer)
    } else if let number = try? value.decode(Double.self) {
      self = .number(number)
    } else if let text = try? value.decode(String.self) {
      self = .text(text)
    } else if let list = try? value.decode([ComposeValue].self) {
      self = .list(list)
    } else {
      self = .fields(try value.decode([String: ComposeValue].self))
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .flag(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .text(let value): try container.encode(value)
    case .list(let value): try container.encode(value)
    case .fields(let value): try container.encode(value)
    }
  }

  subscript(_ field: String) -> ComposeValue? {
    get { fields?[field] }
    set {
      guard var fields else { return }
      fields[field] = newValue
      self = .fields(fields)
    }
  }

  var fields: [String: ComposeValue]? { if case .fields(let value) = self { value } else { nil } }
  var list: [ComposeValue]? { if case .list(let value) = self { value } else { nil } }
  var text: String? { if case .text(let value) = self { value } else { nil } }

  /// Nothing, or a list or mapping with nothing in it.
  var isEmpty: Bool {
    switch self {
    case .null: true
    case .list(let value): value.isEmpty
    case .fields(let value): value.isEmpty
    default: false
    }
  }
}
