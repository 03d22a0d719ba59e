import BinaryCache
import NixFormats
import Testing

@Suite struct ClosureDifferenceTests {
  private func info(_ letter: Character, _ name: String, _ size: UInt64) throws -> NarInfo {
    let hash = String(repeating: letter, count: 32)
    return try NarInfo(
      Array(
        """
        StorePath: /nix/store/\(hash)-\(name)
        URL: nar/\(hash).nar
        Compression: none
        NarHash: sha256:\(String(repeating: "0", count: 52))
        NarSize: \(size)
        References:\(" ")

        """.utf8))
  }

  @Test("two closures are compared by path, and told by package with versions and sizes")
  func difference() throws {
    let old = try [info("a", "glibc-2.40-66", 100), info("b", "caddy-2.8.4", 50), info("c", "etc", 5)]
    let new = try [
      info("a", "glibc-2.40-66", 100), info("d", "caddy-2.10.0", 70), info("f", "etc", 5), info("g", "x11-7", 1),
    ]
    let difference = ClosureDifference(from: old, to: new)
    #expect(difference.added.count == 3 && difference.removed.count == 2)
    #expect(difference.sizeBefore == 155 && difference.sizeAfter == 176 && difference.addedSize == 76)
    #expect(difference.packages.map(\.name) == ["caddy", "etc", "x11"])
    #expect(difference.packages[0].before == ["2.8.4"] && difference.packages[0].after == ["2.10.0"])
    #expect(difference.packages[0].sizeBefore == 50 && difference.packages[0].sizeAfter == 70)
    #expect(difference.packages[1].before == [""] && difference.packages[2].before == [])
    let none = ClosureDifference(from: new, to: new)
    #expect(none.added.isEmpty && none.removed.isEmpty && none.packages.isEmpty)
  }
}
