import NixFormats

/// What a store path holds, in a form that a test can write down.
public indirect enum Tree: Equatable, Sendable {
  case file([UInt8], executable: Bool = false)
  case symlink(String)
  case directory([String: Tree])

  public static func text(_ text: String, executable: Bool = false) -> Tree {
    .file(Array(text.utf8), executable: executable)
  }

  public func events(name: String = "") -> [NAREvent] {
    let bytes = Array(name.utf8)
    switch self {
    case .file(let content, let executable):
      return [.file(name: bytes, executable: executable, size: UInt64(content.count))]
        + (content.isEmpty ? [] : [.data(content[...])]) + [.endOfFile]
    case .symlink(let target): return [.symlink(name: bytes, target: Array(target.utf8))]
    case .directory(let entries):
      let sorted = entries.sorted { Array($0.key.utf8).lexicographicallyPrecedes(Array($1.key.utf8)) }
      return [.directory(name: bytes)] + sorted.flatMap { $1.events(name: $0) } + [.endOfDirectory]
    }
  }

  public func archive() throws -> [UInt8] {
    var bytes: [UInt8] = []
    var writer = NARWriter()
    for event in events() { try writer.append(event, to: &bytes) }
    return bytes
  }

  /// Some tree, not too large.
  public static func random(using random: inout SeededRandom, depth: Int = 0) -> Tree {
    switch Int.random(in: 0..<(depth < 4 ? 6 : 4), using: &random) {
    case 0, 1, 2:
      let count = [0, 1, 7, 8, 9, 300, 5000][Int.random(in: 0..<7, using: &random)]
      return .file(
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }, executable: Bool.random(using: &random))
    case 3: return .symlink(name(using: &random))
    default:
      var entries: [String: Tree] = [:]
      for _ in 0..<Int.random(in: 0..<6, using: &random) {
        entries[name(using: &random)] = .random(using: &random, depth: depth + 1)
      }
      return .directory(entries)
    }
  }

  private static func name(using random: inout SeededRandom) -> String {
    let letters = Array("abcXYZ019-_ .é~")
    let name = String(
      (0..<Int.random(in: 1...12, using: &random)).compactMap { _ in letters.randomElement(using: &random) })
    return name == "." || name == ".." ? "dot" : name
  }
}
