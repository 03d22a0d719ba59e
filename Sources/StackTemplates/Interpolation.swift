/// Compose's own variables in a text: `${NAME}`, `${NAME:-default}`, `${NAME:?message}`, `$NAME`; `$$` is a dollar sign.
public struct Interpolation: Hashable, Sendable {
  public enum Piece: Hashable, Sendable {
    /// Text as it stands, with `$$` kept.
    case text(String)
    case variable(Variable)
  }

  public struct Variable: Hashable, Sendable {
    public var name: String
    public var standard: String?
    /// What is said where it has no value; not nil: it has to have one.
    public var demand: String?
    /// As it was written.
    public var source: String
  }

  public struct Malformed: Error, Hashable, Sendable {
    public var text: String
  }

  public let pieces: [Piece]

  public var variables: [Variable] {
    pieces.compactMap { piece in
      if case .variable(let variable) = piece { variable } else { nil }
    }
  }

  public init(_ source: String) throws(Malformed) {
    var pieces: [Piece] = []
    var text = ""
    var rest = Substring(source)
    while let next = rest.first {
      guard next == "$" else {
        text.append(next)
        rest.removeFirst()
        continue
      }
      let start = rest
      rest.removeFirst()
      if rest.first == "$" {
        text += "$$"
        rest.removeFirst()
        continue
      }
      let isBraced = rest.first == "{"
      if isBraced { rest.removeFirst() }
      let name = rest.prefix { $0 == "_" || ($0.isASCII && ($0.isLetter || $0.isNumber)) }
      guard let first = name.first, !first.isNumber else {
        throw Malformed(text: "a dollar sign without a variable's name; write $$ for the sign itself")
      }
      rest = rest.dropFirst(name.count)
      var variable = Variable(name: String(name), standard: nil, demand: nil, source: "")
      if isBraced { try Interpolation.modifier(&rest, of: &variable) }
      variable.source = String(start[..<rest.startIndex])
      if !text.isEmpty { pieces.append(.text(text)) }
      text = ""
      pieces.append(.variable(variable))
    }
    if !text.isEmpty { pieces.append(.text(text)) }
    self.pieces = pieces
  }

  private static func modifier(_ rest: inout Substring, of variable: inout Variable) throws(Malformed) {
    guard let end = rest.firstIndex(of: "}") else {
      throw Malformed(text: "${\(variable.name) has no closing brace; add it")
    }
    var modifier = rest[..<end]
    rest = rest[rest.index(after: end)...]
    guard !modifier.isEmpty else { return }
    guard !modifier.contains("$") else {
      throw Malformed(text: "a variable in the default of ${\(variable.name)}; defaults are plain")
    }
    if modifier.first == ":" { modifier.removeFirst() }
    switch modifier.first {
    case "-": variable.standard = String(modifier.dropFirst())
    case "?": variable.demand = String(modifier.dropFirst())
    default:
      throw Malformed(text: "${\(variable.name)…} takes :-DEFAULT or :?MESSAGE and nothing else")
    }
  }

  /// The text with each variable's value in its place.
  /// - Parameter value: what a variable becomes; nil leaves it as it was written.
  public func resolved(_ value: (Variable) -> String?) -> String {
    pieces.map { piece in
      switch piece {
      case .text(let text): text
      case .variable(let variable): value(variable) ?? variable.source
      }
    }.joined()
  }
}
