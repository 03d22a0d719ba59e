/// A text for the screen of a booting machine, on one line.
///
/// iPXE expands `${…}`, joins commands by `||` and `&&`, reads `#` as a comment and splits at spaces, with quotes and
/// `\` around them (`src/core/exec.c`, `src/core/parseopt.c`). A text carries none of these, so nothing in it can be
/// a command.
public struct IPXEText: Hashable, Sendable, CustomStringConvertible {
  /// In bytes: a line of 80 columns twice.
  public static let maximumLength = 160

  public let text: String

  /// - Throws: ``IPXEValueError`` where the text has any character but ASCII letters, digits, space and
  ///   `. , : ; - _ / + ( ) = % ! ? *`, or begins with `-`, which iPXE reads as an option of the command.
  public init(_ text: String) throws(IPXEValueError) {
    guard !text.isEmpty else { throw .empty(what: "the text") }
    guard text.utf8.count <= IPXEText.maximumLength else {
      throw .tooLong(what: "the text", length: text.utf8.count, limit: IPXEText.maximumLength)
    }
    if let position = text.utf8.enumerated().first(where: { !IPXEText.isSafe($0.element) })?.offset {
      throw .forbiddenCharacter(what: "the text", position: position)
    }
    guard text.utf8.first != UInt8(ascii: "-") else { throw .forbiddenCharacter(what: "the text", position: 0) }
    self.text = text
  }

  /// Any text, cut to length, with `?` for each character that a script can not carry; `?` for an empty one.
  public init(replacing text: String) {
    var bytes: [UInt8] = []
    for character in text.prefix(IPXEText.maximumLength) {
      let byte = character.asciiValue ?? UInt8(ascii: "?")
      bytes.append(IPXEText.isSafe(byte) ? byte : UInt8(ascii: "?"))
    }
    // iPXE reads a word that begins with '-' as an option of the command.
    if bytes.isEmpty || bytes.first == UInt8(ascii: "-") { bytes = [UInt8(ascii: "?")] + bytes.dropFirst() }
    self.text = String(decoding: bytes, as: UTF8.self)
  }

  public var description: String { text }

  private static let marks = Set(" .,:;-_/+()=%!?*".utf8)

  private static func isSafe(_ byte: UInt8) -> Bool { byte.isASCIILetterOrDigit || marks.contains(byte) }
}

extension UInt8 {
  var isASCIILetterOrDigit: Bool {
    switch self {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: false
    }
  }
}
