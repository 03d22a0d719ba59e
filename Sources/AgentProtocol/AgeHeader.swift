import FoundationEssentials

/// The textual head of an age file (C2SP age.md, "Header").
struct AgeHeader {
  struct Stanza {
    var arguments: [String]
    var body: [UInt8]
  }

  static let versionLine = "age-encryption.org/v1\n"

  var stanzas: [Stanza]
  /// 32 bytes.
  var code: [UInt8]
  /// What the code covers: all up to and including `---`.
  var covered: [UInt8]
  /// How many bytes the head has, the last line feed included.
  var length: Int

  /// Parses the head of a whole file.
  init(file: [UInt8]) throws(AgeError) {
    guard file.starts(with: AgeHeader.versionLine.utf8) else { throw .notAnAgeFile }
    var position = AgeHeader.versionLine.utf8.count
    var stanzas: [Stanza] = []
    while true {
      let start = position
      let line = try AgeHeader.line(of: file, at: &position)
      if line.hasPrefix("--- ") {
        guard let code = AgeHeader.unpadded(String(line.dropFirst(4))), code.count == 32 else {
          throw .malformedHeader("the last line holds no code of 32 bytes")
        }
        guard !stanzas.isEmpty else { throw .malformedHeader("it names no recipient") }
        self.stanzas = stanzas
        self.code = code
        covered = Array(file[..<(start + 3)])
        length = position
        return
      }
      guard line.hasPrefix("-> ") else { throw .malformedHeader("a line begins with neither '->' nor '---'") }
      guard stanzas.count < 20 else { throw .malformedHeader("it has more than 20 recipients") }
      let arguments = line.dropFirst(3).split(separator: " ", omittingEmptySubsequences: false).map(String.init)
      guard arguments.allSatisfy({ !$0.isEmpty }) else { throw .malformedHeader("an argument is empty") }
      stanzas.append(Stanza(arguments: arguments, body: try AgeHeader.body(of: file, at: &position)))
    }
  }

  private static func body(of file: [UInt8], at position: inout Int) throws(AgeError) -> [UInt8] {
    var text = ""
    for _ in 0..<64 {
      let line = try AgeHeader.line(of: file, at: &position)
      text += line
      guard line.utf8.count <= 64 else { throw .malformedHeader("a line of a recipient is longer than 64 characters") }
      if line.utf8.count < 64 {
        guard let body = unpadded(text) else { throw .malformedHeader("a recipient's body is not base64") }
        return body
      }
    }
    throw .malformedHeader("a recipient's body is too long")
  }

  /// One line of printable ASCII without its line feed; at most 4,096 characters.
  private static func line(of file: [UInt8], at position: inout Int) throws(AgeError) -> String {
    let rest = file[position...].prefix(4097)
    guard let end = rest.firstIndex(of: 10) else { throw .malformedHeader("a line does not end") }
    let line = file[position..<end]
    guard line.allSatisfy({ (32...126).contains($0) }) else { throw .malformedHeader("a line is not ASCII") }
    position = end + 1
    return String(decoding: line, as: UTF8.self)
  }

  /// Base64 without padding (RFC 4648, 4), for the header.
  static func unpadded(_ bytes: some Collection<UInt8>) -> String {
    String(Data(bytes).base64EncodedString().prefix { $0 != "=" })
  }

  /// The bytes of canonical unpadded base64, or nil.
  static func unpadded(_ text: String) -> [UInt8]? {
    let padding = String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
    guard padding.count < 3, let data = Data(base64Encoded: text + padding), unpadded(data) == text else { return nil }
    return Array(data)
  }
}
