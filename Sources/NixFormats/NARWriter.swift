/// Writes a Nix archive from the events that ``NARReader`` gives: reading what it wrote gives the same events.
public struct NARWriter: Sendable {
  private struct Directory {
    var lastName: [UInt8] = []
  }

  private enum State: Equatable {
    case start, inDirectory, inFile(remaining: UInt64, size: UInt64), finished
  }

  private let limits: NARLimits
  private var state = State.start
  private var directories: [Directory] = []

  public init(limits: NARLimits = NARLimits()) { self.limits = limits }

  /// Whether the archive is complete.
  public var isFinished: Bool { state == .finished }

  /// Appends the bytes of one event.
  /// - Throws: where the event can not come here; nothing has been appended then.
  public mutating func append(_ event: NAREvent, to output: inout [UInt8]) throws(NARError) {
    switch event {
    case .directory(let name):
      guard directories.count < limits.depth else { throw .tooDeep(limit: limits.depth, offset: 0) }
      try beginNode(name, &output)
      Self.strings("(", "type", "directory", to: &output)
      directories.append(Directory())
      state = .inDirectory
    case .endOfDirectory:
      guard state == .inDirectory, directories.popLast() != nil else { throw .illegalEvent("the end of a directory") }
      Self.strings(")", to: &output)
      endNode(&output)
    case .file(let name, let executable, let size):
      guard size <= limits.fileSize else { throw .fileTooLarge(size: size, limit: limits.fileSize, offset: 0) }
      try beginNode(name, &output)
      Self.strings("(", "type", "regular", to: &output)
      if executable { Self.strings("executable", "", to: &output) }
      Self.strings("contents", to: &output)
      Self.integer(size, to: &output)
      state = .inFile(remaining: size, size: size)
    case .data(let bytes):
      guard case .inFile(let remaining, let size) = state, UInt64(bytes.count) <= remaining else {
        throw .illegalEvent("content")
      }
      output += bytes
      state = .inFile(remaining: remaining - UInt64(bytes.count), size: size)
    case .endOfFile:
      guard case .inFile(0, let size) = state else { throw .illegalEvent("the end of a file") }
      output += repeatElement(0, count: NARRules.padding(after: size))
      Self.strings(")", to: &output)
      endNode(&output)
    case .symlink(let name, let target):
      guard NARRules.isLegal(target: target) else { throw .illegalTarget(NARError.shown(target), offset: 0) }
      try beginNode(name, &output)
      Self.strings("(", "type", "symlink", "target", to: &output)
      Self.string(target, to: &output)
      Self.strings(")", to: &output)
      endNode(&output)
    }
  }

  private mutating func beginNode(_ name: [UInt8], _ output: inout [UInt8]) throws(NARError) {
    switch state {
    case .start:
      guard name.isEmpty else { throw .illegalName(NARError.shown(name), offset: 0) }
      Self.string(NARRules.magic, to: &output)
    case .inDirectory:
      guard NARRules.isLegal(name: name) else { throw .illegalName(NARError.shown(name), offset: 0) }
      if let directory = directories.popLast() {
        defer { directories.append(Directory(lastName: directory.lastName.max(name))) }
        guard directory.lastName.lexicographicallyPrecedes(name) else {
          throw .notSorted(NARError.shown(name), after: NARError.shown(directory.lastName), offset: 0)
        }
      }
      Self.strings("entry", "(", "name", to: &output)
      Self.string(name, to: &output)
      Self.strings("node", to: &output)
    case .inFile, .finished:
      throw .illegalEvent("an entry")
    }
  }

  private mutating func endNode(_ output: inout [UInt8]) {
    if directories.isEmpty {
      state = .finished
    } else {
      Self.strings(")", to: &output)
      state = .inDirectory
    }
  }

  private static func strings(_ values: String..., to output: inout [UInt8]) {
    for value in values { string(Array(value.utf8), to: &output) }
  }

  private static func string(_ bytes: [UInt8], to output: inout [UInt8]) {
    integer(UInt64(bytes.count), to: &output)
    output += bytes
    output += repeatElement(0, count: NARRules.padding(after: UInt64(bytes.count)))
  }

  private static func integer(_ value: UInt64, to output: inout [UInt8]) {
    for shift in stride(from: 0, to: 64, by: 8) { output.append(UInt8(truncatingIfNeeded: value >> UInt64(shift))) }
  }
}

extension [UInt8] {
  fileprivate func max(_ other: [UInt8]) -> [UInt8] { lexicographicallyPrecedes(other) ? other : self }
}
