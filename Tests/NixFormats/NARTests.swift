import NixFormats
import NixTestSupport
import ProgramTestSupport
import Testing

@Suite struct NARTests {
  static let tree = Tree.directory([
    "bin": .directory(["tool": .text("#!/bin/sh\n", executable: true), "t": .symlink("tool")]),
    "empty": .directory([:]), "nothing": .text(""), "eight": .text("12345678"), "é ~": .symlink("../../x"),
  ])

  /// Reads an archive in pieces; data events of one file are joined.
  static func read(_ bytes: [UInt8], pieces: Int, limits: NARLimits = NARLimits()) throws(NARError) -> [NAREvent] {
    var reader = NARReader(limits: limits)
    var events: [NAREvent] = []
    var rest = bytes[...]
    repeat {
      for event in try reader.read(rest.prefix(pieces)) {
        if case .data(let more) = event, case .data(let before)? = events.last {
          events[events.count - 1] = .data(ArraySlice(Array(before) + more))
        } else if case .data(let data) = event {
          events.append(.data(ArraySlice(Array(data))))
        } else {
          events.append(event)
        }
      }
      rest = rest.dropFirst(pieces)
    } while !rest.isEmpty
    try reader.finish()
    return events
  }

  @Test("an archive in pieces of any size gives the same events", arguments: [1, 2, 3, 7, 8, 9, 64, 1000])
  func pieces(size: Int) throws {
    #expect(try Self.read(Self.tree.archive(), pieces: size) == Self.tree.events())
  }

  @Test("our archives are nix-store's, byte for byte, and its are read")
  func agreesWithNix() async throws {
    let directory = try TemporaryDirectory()
    let path = directory.file("tree")
    _ = try await NixCommand.output([
      "sh", "-c",
      """
      mkdir -p $0/bin $0/empty; cd $0; printf '#!/bin/sh\\n' > bin/tool; chmod +x bin/tool; ln -s tool bin/t
      : > nothing; printf 12345678 > eight; ln -s ../../x 'é ~'
      """, path,
    ])
    let archive = try await Array(NixCommand.output(["nix-store", "--dump", path]))
    #expect(try Self.tree.archive() == archive)
    #expect(try Self.read(archive, pieces: 100) == Self.tree.events())
  }

  @Test("any tree comes back as it was")
  func roundTrip() throws {
    var random = SeededRandom(seed: 3)
    for _ in 0..<200 {
      let tree = Tree.random(using: &random)
      #expect(try Self.read(tree.archive(), pieces: Int.random(in: 1...300, using: &random)) == tree.events())
    }
  }

  @Test("cut off at any byte, an archive is refused")
  func truncations() throws {
    let archive = try Self.tree.archive()
    for count in 0..<archive.count {
      #expect(throws: NARError.truncated(offset: UInt64(count))) {
        try Self.read(Array(archive.prefix(count)), pieces: 4096)
      }
    }
  }

  @Test("with any byte changed, an archive is refused or is the archive of what it gave")
  func mutations() throws {
    let archive = try Self.tree.archive()
    var random = SeededRandom(seed: 4)
    for position in archive.indices {
      for _ in 0..<4 {
        var changed = archive
        changed[position] ^= UInt8.random(in: 1...255, using: &random)
        guard let events = try? Self.read(changed, pieces: 512) else { continue }
        var writer = NARWriter()
        var written: [UInt8] = []
        for event in events { try writer.append(event, to: &written) }
        #expect(written == changed)
      }
    }
  }

  @Test("something after the end is refused")
  func trailing() throws {
    let archive = try Self.tree.archive()
    #expect(throws: NARError.trailingData(offset: UInt64(archive.count))) {
      try Self.read(archive + [0], pieces: 4096)
    }
  }

  // MARK: Hostile archives

  /// Strings as an archive has them; an integer stands for a length without a string.
  static func raw(_ parts: [any Sendable]) -> [UInt8] {
    var bytes: [UInt8] = []
    func length(_ value: UInt64) {
      (0..<8).forEach { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(8 * $0))) }
    }
    for part in parts {
      if let value = part as? UInt64 {
        length(value)
      } else {
        let string = part as? [UInt8] ?? Array((part as? String ?? "").utf8)
        length(UInt64(string.count))
        bytes += string + [UInt8](repeating: 0, count: (8 - string.count % 8) % 8)
      }
    }
    return bytes
  }

  static let file: [any Sendable] = ["(", "type", "regular", "contents", "x", ")"]

  static func entry(_ name: any Sendable, _ node: [any Sendable] = file) -> [any Sendable] {
    ["entry", "(", "name", name, "node"] + node + [")"]
  }

  static func directory(_ entries: [[any Sendable]]) -> [UInt8] {
    raw(["nix-archive-1", "(", "type", "directory"] + entries.flatMap { $0 } + [")"])
  }

  @Test("the builder of hostile archives builds a right one")
  func builder() throws {
    let events = try Self.read(Self.directory([Self.entry("a"), Self.entry("b")]), pieces: 100)
    #expect(events == Tree.directory(["a": .text("x"), "b": .text("x")]).events())
  }

  @Test(
    "a name that could leave its directory is refused",
    arguments: [
      "", ".", "..", "/", "/etc/passwd", "../x", "a/b", "a/", "a\u{0}b", String(repeating: "n", count: 256),
    ])
  func names(name: String) {
    #expect(throws: NARError.self) { try Self.read(Self.directory([Self.entry(name)]), pieces: 100) }
  }

  @Test("twice the same name is refused: no file can be written through a link")
  func duplicates() {
    let link: [any Sendable] = ["(", "type", "symlink", "target", "/etc/passwd", ")"]
    #expect(throws: NARError.self) {
      try Self.read(Self.directory([Self.entry("a", link), Self.entry("a")]), pieces: 100)
    }
    let folder: [any Sendable] = ["(", "type", "directory"] + Self.entry("passwd") + [")"]
    #expect(throws: NARError.self) {
      try Self.read(Self.directory([Self.entry("a", link), Self.entry("a", folder)]), pieces: 100)
    }
  }

  @Test("names have to ascend by their bytes", arguments: [("b", "a"), ("a", "B"), ("é", "z"), ("ab", "a")])
  func unsorted(first: String, second: String) {
    #expect(throws: NARError.self) {
      try Self.read(Self.directory([Self.entry(first), Self.entry(second)]), pieces: 100)
    }
  }

  @Test("a length that no archive can have is refused at once", arguments: [UInt64.max, 1 << 63, 1 << 32, 256, 5000])
  func lengths(value: UInt64) {
    for parts: [any Sendable] in [
      [value], ["nix-archive-1", value], ["nix-archive-1", "(", "type", "directory", "entry", "(", "name", value],
      ["nix-archive-1", "(", "type", "symlink", "target", value &* 4096],
    ] where parts.last as? UInt64 != 0 {
      var reader = NARReader()
      #expect(throws: NARError.self) { try reader.read(Self.raw(parts)[...]) }
      // It stays refused.
      #expect(throws: NARError.self) { try reader.read([0]) }
      #expect(throws: NARError.self) { try reader.finish() }
    }
  }

  @Test("a file's length is bounded, and costs no memory before its content comes")
  func fileLength() throws {
    var reader = NARReader(limits: NARLimits(fileSize: 1 << 40))
    let start: [any Sendable] = ["nix-archive-1", "(", "type", "regular", "contents"]
    let events = try reader.read(Self.raw(start + [UInt64(1) << 40])[...])
    #expect(events == [.file(name: [], executable: false, size: 1 << 40)])
    var refusing = NARReader(limits: NARLimits(fileSize: 1 << 40))
    #expect(throws: NARError.self) { try refusing.read(Self.raw(start + [UInt64(1) << 40 + 1])[...]) }
  }

  @Test("directories inside one another are bounded")
  func depth() throws {
    func nested(_ depth: Int) -> Tree { depth == 0 ? .text("") : .directory(["d": nested(depth - 1)]) }
    let limits = NARLimits(depth: 20)
    #expect(throws: Never.self) { try Self.read(nested(20).archive(), pieces: 100, limits: limits) }
    #expect(throws: NARError.self) { try Self.read(nested(21).archive(), pieces: 100, limits: limits) }
  }

  @Test("padding that is not zero is refused")
  func padding() throws {
    var archive = try Tree.text("x").archive()
    let position = try #require(archive.lastIndex(of: UInt8(ascii: "x")))
    archive[position + 3] = 1
    #expect(throws: NARError.self) { try Self.read(archive, pieces: 100) }
  }

  @Test(
    "the writer refuses what would be no archive",
    arguments: [
      [NAREvent.endOfDirectory], [.endOfFile], [.data([1])], [.file(name: [], executable: false, size: 1), .endOfFile],
      [.file(name: [], executable: false, size: 1), .data([1, 2])], [.directory(name: [97])],
      [.directory(name: []), .directory(name: [46, 46])], [.directory(name: []), .symlink(name: [97], target: [])],
      [.directory(name: []), .endOfDirectory, .endOfDirectory],
      [.directory(name: []), .symlink(name: [98], target: [1]), .symlink(name: [97], target: [1])],
      [.symlink(name: [], target: [1]), .symlink(name: [], target: [1])],
    ])
  func writer(events: [NAREvent]) {
    var writer = NARWriter()
    var output: [UInt8] = []
    #expect(throws: NARError.self) { for event in events { try writer.append(event, to: &output) } }
  }
}
