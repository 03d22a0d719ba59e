/// Reading and writing `HASH.narinfo`.
extension NarInfo {
  /// In bytes: a path with 10,000 references of the greatest length fits.
  public static let maximumTextSize = 4 << 20

  /// Parses the content of a narinfo file. Fields that are not known are ignored; `Sig` may come several times, any
  /// other field once.
  public init(_ bytes: some Collection<UInt8>) throws(NixFormatError) {
    guard bytes.count <= Self.maximumTextSize else {
      throw .tooLarge(what: "the narinfo", bytes: bytes.count, limit: Self.maximumTextSize)
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .invalidNarInfo(field: "(all)", reason: "it is not UTF-8")
    }
    try self.init(text: text)
  }

  /// - SeeAlso: ``init(_:)``
  public init(text: String) throws(NixFormatError) {
    guard text.utf8.count <= Self.maximumTextSize else {
      throw .tooLarge(what: "the narinfo", bytes: text.utf8.count, limit: Self.maximumTextSize)
    }
    let (fields, signatures) = try Self.fields(of: text)
    func required(_ name: String) throws(NixFormatError) -> Substring {
      guard let value = fields[name] else { throw .invalidNarInfo(field: name, reason: "it is missing") }
      return value
    }
    let narHash = try NixHash(required("NarHash"))
    let narSize = try Self.size(required("NarSize"), field: "NarSize")
    guard narSize > 0 else { throw .invalidNarInfo(field: "NarSize", reason: "no archive has 0 bytes") }
    var references: [StorePath] = []
    for name in fields["References", default: ""].split(separator: " ") {
      references.append(try StorePath(baseName: name))
    }
    var fileHash: NixHash?
    if let text = fields["FileHash"] { fileHash = try NixHash(text) }
    var fileSize: UInt64?
    if let text = fields["FileSize"] { fileSize = try Self.size(text, field: "FileSize") }
    var deriver: StorePath?
    if let text = fields["Deriver"], !text.isEmpty, text != "unknown-deriver" {
      deriver = try StorePath(baseName: text)
    }
    try self.init(
      storePath: StorePath(absolute: required("StorePath")), url: String(required("URL")),
      // A missing field means bzip2 (nix, src/libstore/nar-info.cc).
      compression: Compression(name: fields["Compression", default: "bzip2"]),
      fileHash: fileHash, fileSize: fileSize, narHash: narHash, narSize: narSize,
      references: references, deriver: deriver, signatures: signatures,
      contentAddress: fields["CA"].map { String($0) })
  }

  /// The content of the narinfo file, in the order in which Nix writes it.
  public var serialized: String {
    var lines = ["StorePath: \(storePath)", "URL: \(url)", "Compression: \(compression)"]
    if let fileHash { lines.append("FileHash: \(fileHash)") }
    if let fileSize { lines.append("FileSize: \(fileSize)") }
    lines.append("NarHash: \(narHash)")
    lines.append("NarSize: \(narSize)")
    lines.append("References: " + references.map(\.baseName).joined(separator: " "))
    if let deriver { lines.append("Deriver: \(deriver.baseName)") }
    for signature in signatures { lines.append("Sig: \(signature)") }
    if let contentAddress { lines.append("CA: \(contentAddress)") }
    return lines.joined(separator: "\n") + "\n"
  }

  private static let single: Set<String> = [
    "StorePath", "URL", "Compression", "FileHash", "FileSize", "NarHash", "NarSize", "References", "Deriver", "CA",
  ]

  private static func fields(
    of text: String
  ) throws(NixFormatError) -> (fields: [String: Substring], signatures: [NixSignature]) {
    var fields: [String: Substring] = [:]
    var signatures: [NixSignature] = []
    // By bytes: Swift takes "\r\n" for one character.
    for line in text.utf8.split(separator: UInt8(ascii: "\n")) {
      let line = Substring(line)
      guard let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")) else {
        throw .invalidNarInfo(field: String(line.prefix(40)), reason: "the line has no colon")
      }
      let name = String(line[..<colon])
      let value = line[line.utf8.index(after: colon)...].drop { $0 == " " }
      guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
        throw .invalidNarInfo(field: name, reason: "it has a control character")
      }
      if name == "Sig" {
        guard signatures.count < 64 else { throw .invalidNarInfo(field: "Sig", reason: "there are more than 64") }
        signatures.append(try NixSignature(value))
      } else if single.contains(name) {
        guard fields.updateValue(value, forKey: name) == nil else {
          throw .invalidNarInfo(field: name, reason: "it is there twice")
        }
      }
    }
    return (fields, signatures)
  }

  private static func size(_ text: Substring, field: String) throws(NixFormatError) -> UInt64 {
    // Nix holds sizes in 64 bits and its database in SQLite's signed integers.
    guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let size = UInt64(text),
      size <= UInt64(Int64.max)
    else { throw .invalidNarInfo(field: field, reason: "it is not a number of bytes") }
    return size
  }
}
