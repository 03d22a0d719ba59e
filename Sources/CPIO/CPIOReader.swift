/// Reads a `newc` archive entry by entry; every sequence of bytes gives entries or a refusal.
struct CPIOReader {
  private let bytes: [UInt8]
  private let limits: CPIOLimits
  private var offset = 0
  private var total = 0
  private var seen: Set<String> = []
  private var links: Set<String> = []

  private static let headerLength = 110

  init(bytes: [UInt8], limits: CPIOLimits) {
    self.bytes = bytes
    self.limits = limits
  }

  mutating func readAll() throws(CPIOError) -> [CPIOEntry] {
    var entries: [CPIOEntry] = []
    while let entry = try next() {
      guard entries.count < limits.entries else { throw .tooManyEntries(limit: limits.entries) }
      entries.append(entry)
    }
    if let stray = bytes[offset...].firstIndex(where: { $0 != 0 }) { throw .badPadding(offset: stray) }
    return entries
  }

  private mutating func next() throws(CPIOError) -> CPIOEntry? {
    let start = offset
    guard start < bytes.count else { throw .noTrailer }
    let header = try take(CPIOReader.headerLength, entry: start)
    guard header.prefix(6).elementsEqual("070701".utf8) else { throw .notNewc(offset: start) }
    let fields = try CPIOReader.numbers(header.dropFirst(6), entry: start)
    let (mode, owner, group, size) = (fields[1], fields[2], fields[3], Int(fields[6]))
    let name = try takeName(length: Int(fields[11]), entry: start)
    if name == CPIOPath.trailer {
      guard size == 0 else { throw .badSize(offset: start, size: size) }
      return nil
    }
    // `find . | cpio` begins with the root itself.
    if name != ".", let fault = CPIOPath.fault(in: name) { throw .badName(offset: start, reason: fault) }
    guard size <= limits.fileSize else { throw .fileTooLarge(offset: start, size: size, limit: limits.fileSize) }
    guard size <= limits.totalSize - total else { throw .archiveTooLarge(limit: limits.totalSize) }
    total += size
    let body = try take(size, entry: start)
    try skipPadding(entry: start)
    let kind = try CPIOReader.kind(mode: mode, body: body, device: (fields[9], fields[10]), entry: start)
    guard seen.insert(name).inserted else { throw .duplicateName(path: name) }
    guard links.isEmpty || !isBelowLink(name) else { throw .throughLink(path: name) }
    if case .symbolicLink = kind { links.insert(name) }
    return CPIOEntry(path: name, kind: kind, permissions: UInt16(mode & 0o7777), owner: owner, group: group)
  }

  private func isBelowLink(_ name: String) -> Bool {
    name.indices.contains { name[$0] == "/" && links.contains(String(name[..<$0])) }
  }

  private static func kind(
    mode: UInt32, body: ArraySlice<UInt8>, device: (major: UInt32, minor: UInt32), entry: Int
  ) throws(CPIOError) -> CPIOEntry.Kind {
    let kind: CPIOEntry.Kind
    switch mode & 0o170000 {
    case 0o100000: return .file(Array(body))
    case 0o120000:
      guard !body.isEmpty, body.count <= CPIOPath.maximumLength else {
        throw .badSize(offset: entry, size: body.count)
      }
      guard let target = String(validating: body, as: UTF8.self) else {
        throw .badName(offset: entry, reason: .notUTF8)
      }
      guard !body.contains(0) else { throw .badName(offset: entry, reason: .controlCharacter) }
      return .symbolicLink(target: target)
    case 0o040000: kind = .directory
    case 0o020000: kind = .characterDevice(major: device.major, minor: device.minor)
    case 0o060000: kind = .blockDevice(major: device.major, minor: device.minor)
    default: throw .unsupportedKind(offset: entry, mode: mode)
    }
    guard body.isEmpty else { throw .badSize(offset: entry, size: body.count) }
    return kind
  }

  private mutating func takeName(length: Int, entry: Int) throws(CPIOError) -> String {
    guard length > 0 else { throw .badName(offset: entry, reason: .empty) }
    guard length - 1 <= limits.nameLength else {
      throw .nameTooLong(offset: entry, length: length - 1, limit: limits.nameLength)
    }
    let name = try take(length, entry: entry)
    guard name.firstIndex(of: 0) == name.index(before: name.endIndex) else {
      throw .badName(offset: entry, reason: .unterminated)
    }
    try skipPadding(entry: entry)
    guard let text = String(validating: name.dropLast(), as: UTF8.self) else {
      throw .badName(offset: entry, reason: .notUTF8)
    }
    return text
  }

  private mutating func take(_ count: Int, entry: Int) throws(CPIOError) -> ArraySlice<UInt8> {
    guard count >= 0, count <= bytes.count - offset else { throw .truncated(offset: entry) }
    defer { offset += count }
    return bytes[offset..<offset + count]
  }

  private mutating func skipPadding(entry: Int) throws(CPIOError) {
    let start = offset
    let padding = try take((4 - offset % 4) % 4, entry: entry)
    guard padding.allSatisfy({ $0 == 0 }) else { throw .badPadding(offset: start) }
  }

  /// Thirteen fields of eight hexadecimal digits.
  private static func numbers(_ digits: ArraySlice<UInt8>, entry: Int) throws(CPIOError) -> [UInt32] {
    var numbers: [UInt32] = []
    var value: UInt32 = 0
    for (index, digit) in digits.enumerated() {
      let nibble: UInt8
      switch digit {
      case 0x30...0x39: nibble = digit - 0x30
      case 0x41...0x46: nibble = digit - 0x41 + 10
      case 0x61...0x66: nibble = digit - 0x61 + 10
      default: throw .badNumber(offset: entry)
      }
      value = value << 4 | UInt32(nibble)
      if index % 8 == 7 {
        numbers.append(value)
        value = 0
      }
    }
    guard numbers.count == 13 else { throw .badNumber(offset: entry) }
    return numbers
  }
}
