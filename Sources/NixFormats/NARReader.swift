/// Reads a Nix archive as it arrives (Dolstra, "The Purely Functional Software Deployment Model", figure 5.2; nix,
/// src/libutil/archive.cc): feed it chunks of any size, it gives what they hold.
///
/// Memory is bounded by the limits, not by the archive: file content is passed on as slices of the chunk.
public struct NARReader: Sendable {
  /// What the next string has to be.
  private enum Expectation {
    case magic, nodeOpen, typeTag, type, contentsOrExecutable, executableValue, contentsTag, contents, targetTag, target
    case entryOrClose, entryOpen, nameTag, name, nodeTag, nodeClose, entryClose, end
  }

  private enum Phase {
    case length(bytesRead: Int, value: UInt64)
    case string(length: Int)
    case contents(remaining: UInt64, size: UInt64)
    case padding(remaining: Int)
    case finished
  }

  private let limits: NARLimits
  private var phase = Phase.length(bytesRead: 0, value: 0)
  private var expectation = Expectation.magic
  private var string: [UInt8] = []
  private var name: [UInt8] = []
  private var executable = false
  /// Per open directory the name of its last entry.
  private var directories: [[UInt8]] = []
  private var failure: NARError?
  /// Bytes taken so far.
  public private(set) var offset: UInt64 = 0

  public init(limits: NARLimits = NARLimits()) { self.limits = limits }

  /// Whether the archive is complete.
  public var isFinished: Bool {
    if case .finished = phase { return failure == nil }
    return false
  }

  /// Takes the next bytes of the archive and gives what they complete. After an error every further call throws it
  /// again.
  public mutating func read(_ chunk: ArraySlice<UInt8>) throws(NARError) -> [NAREvent] {
    if let failure { throw failure }
    var events: [NAREvent] = []
    do {
      var rest = chunk
      while !rest.isEmpty { try step(&rest, &events) }
    } catch {
      failure = error
      throw error
    }
    return events
  }

  /// To be called after the last byte.
  public func finish() throws(NARError) {
    if let failure { throw failure }
    guard isFinished else { throw .truncated(offset: offset) }
  }

  private mutating func step(_ rest: inout ArraySlice<UInt8>, _ events: inout [NAREvent]) throws(NARError) {
    switch phase {
    case .length(var bytesRead, var value):
      while bytesRead < 8, let byte = rest.popFirst() {
        value |= UInt64(byte) << UInt64(8 * bytesRead)
        bytesRead += 1
        offset += 1
      }
      phase = .length(bytesRead: bytesRead, value: value)
      if bytesRead == 8 { try begin(length: value, &events) }

    case .string(let length):
      let part = rest.prefix(length - string.count)
      string += part
      rest = rest.dropFirst(part.count)
      offset += UInt64(part.count)
      if string.count == length { try take(length: length, &events) }

    case .contents(let remaining, let size):
      let part = rest.prefix(Int(min(remaining, UInt64(rest.count))))
      rest = rest.dropFirst(part.count)
      offset += UInt64(part.count)
      events.append(.data(part))
      if UInt64(part.count) == remaining {
        endContents(size: size, &events)
      } else {
        phase = .contents(remaining: remaining - UInt64(part.count), size: size)
      }

    case .padding(let remaining):
      let part = rest.prefix(remaining)
      guard part.allSatisfy({ $0 == 0 }) else { throw .paddingNotZero(offset: offset) }
      rest = rest.dropFirst(part.count)
      offset += UInt64(part.count)
      if part.count == remaining { nextString() } else { phase = .padding(remaining: remaining - part.count) }

    case .finished:
      throw .trailingData(offset: offset)
    }
  }

  /// The length of a string has arrived.
  private mutating func begin(length: UInt64, _ events: inout [NAREvent]) throws(NARError) {
    if expectation == .contents {
      guard length <= limits.fileSize else {
        throw .fileTooLarge(size: length, limit: limits.fileSize, offset: offset)
      }
      events.append(.file(name: name, executable: executable, size: length))
      if length == 0 {
        endContents(size: 0, &events)
      } else {
        phase = .contents(remaining: length, size: length)
      }
      return
    }
    let (what, limit) =
      switch expectation {
      case .name: ("a name", NARLimits.nameLength)
      case .target: ("a link target", NARLimits.targetLength)
      default: ("a keyword", NARRules.magic.count)
      }
    guard let bounded = Int(exactly: length), bounded <= limit else {
      throw .stringTooLong(what: what, length: length, limit: limit, offset: offset)
    }
    string.removeAll(keepingCapacity: true)
    phase = .string(length: bounded)
    if bounded == 0 { try take(length: 0, &events) }
  }

  private mutating func endContents(size: UInt64, _ events: inout [NAREvent]) {
    events.append(.endOfFile)
    expectation = .nodeClose
    afterString(length: size)
  }

  private mutating func afterString(length: UInt64) {
    let padding = NARRules.padding(after: length)
    if padding > 0 { phase = .padding(remaining: padding) } else { nextString() }
  }

  private mutating func nextString() {
    phase = expectation == .end ? .finished : .length(bytesRead: 0, value: 0)
  }

  /// A whole string has arrived.
  private mutating func take(length: Int, _ events: inout [NAREvent]) throws(NARError) {
    switch expectation {
    case .magic: try keyword(NARRules.magic, then: .nodeOpen)
    case .nodeOpen: try keyword(Self.open, then: .typeTag)
    case .typeTag: try keyword(Self.typeKeyword, then: .type)
    case .type: try takeType(&events)
    case .contentsOrExecutable:
      if string == Self.executableKeyword {
        executable = true
        expectation = .executableValue
      } else {
        try keyword(Self.contentsKeyword, then: .contents)
      }
    case .executableValue: try keyword([], then: .contentsTag)
    case .contentsTag: try keyword(Self.contentsKeyword, then: .contents)
    case .targetTag: try keyword(Self.targetKeyword, then: .target)
    case .target:
      guard NARRules.isLegal(target: string) else {
        throw .illegalTarget(NARError.shown(string), offset: offset)
      }
      events.append(.symlink(name: name, target: string))
      expectation = .nodeClose
    case .entryOrClose:
      if string == Self.close {
        directories.removeLast()
        events.append(.endOfDirectory)
        endNode()
      } else {
        try keyword(Self.entryKeyword, then: .entryOpen)
      }
    case .entryOpen: try keyword(Self.open, then: .nameTag)
    case .nameTag: try keyword(Self.nameKeyword, then: .name)
    case .name: try takeName()
    case .nodeTag: try keyword(Self.nodeKeyword, then: .nodeOpen)
    case .nodeClose:
      try keyword(Self.close, then: .end)
      endNode()
    case .entryClose: try keyword(Self.close, then: .entryOrClose)
    case .contents, .end: break
    }
    afterString(length: UInt64(length))
  }

  private mutating func takeType(_ events: inout [NAREvent]) throws(NARError) {
    if string == Self.regularKeyword {
      executable = false
      expectation = .contentsOrExecutable
    } else if string == Self.symlinkKeyword {
      expectation = .targetTag
    } else {
      try keyword(Self.directoryKeyword, then: .entryOrClose)
      guard directories.count < limits.depth else { throw .tooDeep(limit: limits.depth, offset: offset) }
      directories.append([])
      events.append(.directory(name: name))
    }
  }

  private mutating func takeName() throws(NARError) {
    guard NARRules.isLegal(name: string) else { throw .illegalName(NARError.shown(string), offset: offset) }
    if let before = directories.popLast() {
      guard before.lexicographicallyPrecedes(string) else {
        throw .notSorted(NARError.shown(string), after: NARError.shown(before), offset: offset)
      }
      directories.append(string)
    }
    name = string
    expectation = .nodeTag
  }

  private mutating func endNode() { expectation = directories.isEmpty ? .end : .entryClose }

  private mutating func keyword(_ keyword: [UInt8], then next: Expectation) throws(NARError) {
    guard string == keyword else {
      throw .unexpected(found: NARError.shown(string), expected: "'\(NARError.shown(keyword))'", offset: offset)
    }
    expectation = next
  }

  private static let open = Array("(".utf8)
  private static let close = Array(")".utf8)
  private static let typeKeyword = Array("type".utf8)
  private static let regularKeyword = Array("regular".utf8)
  private static let symlinkKeyword = Array("symlink".utf8)
  private static let directoryKeyword = Array("directory".utf8)
  private static let executableKeyword = Array("executable".utf8)
  private static let contentsKeyword = Array("contents".utf8)
  private static let targetKeyword = Array("target".utf8)
  private static let entryKeyword = Array("entry".utf8)
  private static let nameKeyword = Array("name".utf8)
  private static let nodeKeyword = Array("node".utf8)
}
