import NixFormats
import NixTestSupport
import Testing

@Suite struct NarInfoTests {
  /// As `nix copy --to 'file://…?compression=zstd&secret-key=…'` of Nix 2.8 wrote it, with a second signature.
  static let text = """
    StorePath: /nix/store/rdk1g5pzxriqppbk46gljn2q6yry0p8h-b
    URL: nar/1xv531iyh84jw4ygzfpynq8jfjz76ba2fa45fwm3013nb23mxdff.nar.zst
    Compression: zstd
    FileHash: sha256:1xv531iyh84jw4ygzfpynq8jfjz76ba2fa45fwm3013nb23mxdff
    FileSize: 130
    NarHash: sha256:04fv5z34y8bz4zql6kfiazqw4ydawq79fhcwm4118cp3zbqijin8
    NarSize: 208
    References: 12wigjpizrn8axaqxj288q1b751qmwya-a rdk1g5pzxriqppbk46gljn2q6yry0p8h-b
    Deriver: g1x95iipswg3m56f7lw869i3haqmf46c-b.drv
    Sig: one-1:\(String(repeating: "A", count: 86))==
    Sig: two-1:\(String(repeating: "B", count: 85))A==
    CA: text:sha256:1a2nwpd1ppjxrry2gwsb07qx24c7crk1bkxf7x20b5x6kknkg64m

    """

  @Test("a narinfo is read field by field, and written as it was")
  func roundTrip() throws {
    let info = try NarInfo(Array(Self.text.utf8))
    #expect(info.storePath.name == "b")
    #expect(info.compression == .zstd)
    #expect(info.fileSize == 130)
    #expect(info.narSize == 208)
    #expect(info.references.map(\.name) == ["a", "b"])
    #expect(info.otherReferences.map(\.name) == ["a"])
    #expect(info.deriver?.name == "b.drv")
    #expect(info.signatures.map(\.keyName) == ["one-1", "two-1"])
    #expect(info.serialized == Self.text)
    #expect(try NarInfo(text: info.serialized) == info)
  }

  @Test("the signed text has the fields that matter, with absolute references")
  func fingerprint() throws {
    #expect(
      try NarInfo(text: Self.text).fingerprint
        == "1;/nix/store/rdk1g5pzxriqppbk46gljn2q6yry0p8h-b;sha256:04fv5z34y8bz4zql6kfiazqw4ydawq79fhcwm4118cp3zbqijin8;208;"
        + "/nix/store/12wigjpizrn8axaqxj288q1b751qmwya-a,/nix/store/rdk1g5pzxriqppbk46gljn2q6yry0p8h-b")
  }

  @Test("unknown fields, an unknown deriver and references in any order are taken")
  func tolerant() throws {
    let text = Self.text.replacing("Deriver: g1x95iipswg3m56f7lw869i3haqmf46c-b.drv", with: "Deriver: unknown-deriver")
      .replacing(
        "12wigjpizrn8axaqxj288q1b751qmwya-a rdk1g5pzxriqppbk46gljn2q6yry0p8h-b",
        with: "rdk1g5pzxriqppbk46gljn2q6yry0p8h-b 12wigjpizrn8axaqxj288q1b751qmwya-a")
    let info = try NarInfo(text: "Future: thing: 7\n" + text)
    #expect(info.deriver == nil)
    #expect(info.references.map(\.name) == ["a", "b"])
  }

  @Test("without Compression it is bzip2, as Nix takes it")
  func compressionDefault() throws {
    #expect(try NarInfo(text: Self.text.replacing("Compression: zstd\n", with: "")).compression == .other("bzip2"))
  }

  @Test(
    "a narinfo that says something impossible is refused",
    arguments: [
      ("URL: nar/", "URL: ../nar/"), ("URL: nar/", "URL: /nar/"), ("URL: nar/", "URL: nar//"),
      ("URL: nar/", "URL: nar/./"),
      ("URL: nar/", "URL: http://h/"), ("URL: nar/", "URL: nar/%2e%2e/"), ("URL: nar/", "URL: nar/a b"),
      ("URL: ", "Url: "),
      ("NarSize: 208", "NarSize: 0"), ("NarSize: 208", "NarSize: -1"), ("NarSize: 208", "NarSize: +1"),
      ("NarSize: 208", "NarSize: 99999999999999999999"), ("NarSize: 208", "NarSize: 9223372036854775808"),
      ("NarSize: 208\n", ""), ("NarSize: 208", "NarSize: 208\nNarSize: 209"),
      ("NarHash: sha256:04", "NarHash: sha256:"),
      ("StorePath: /nix/store/", "StorePath: /nix/store/../"), ("References: 12", "References: ../12"),
      ("Sig: one-1:", "Sig: one-1"), ("Sig: one-1:A", "Sig: one-1:"), ("Deriver: g1", "Deriver g1"),
      ("CA: text", "CA: \u{1b}[2J"),
      ("Deriver: g", "Deriver: /g"), ("FileSize: 130", "FileSize: 1e9"),
      ("Compression: zstd\n", "Compression: zstd\r\n"),
    ])
  func refusals(part: String, replacement: String) {
    let text = Self.text.replacing(part, with: replacement)
    #expect(text != Self.text)
    #expect(throws: NixFormatError.self) { try NarInfo(text: text) }
  }

  @Test("too large a narinfo, and too many signatures, are refused")
  func bounds() {
    #expect(throws: NixFormatError.self) { try NarInfo(repeatElement(0x41, count: NarInfo.maximumTextSize + 1)) }
    let signature = "Sig: one-1:\(String(repeating: "A", count: 86))==\n"
    #expect(throws: NixFormatError.self) { try NarInfo(text: Self.text + String(repeating: signature, count: 64)) }
    #expect(throws: NixFormatError.self) { try NarInfo([0xff, 0xfe, 0x00]) }
  }

  @Test("cut off or changed anywhere, it gives a value or a refusal, and a value survives writing")
  func mutations() throws {
    let bytes = Array(Self.text.utf8)
    for count in 0..<bytes.count { try check(Array(bytes.prefix(count))) }
    var random = SeededRandom(seed: 2)
    for _ in 0..<5000 {
      var changed = bytes
      for _ in 0...Int.random(in: 0..<4, using: &random) {
        changed[Int.random(in: 0..<changed.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      try check(changed)
    }
  }

  private func check(_ bytes: [UInt8]) throws {
    let info: NarInfo
    do throws(NixFormatError) {
      info = try NarInfo(bytes)
    } catch {
      #expect(!error.description.isEmpty)
      return
    }
    #expect(try NarInfo(text: info.serialized) == info)
  }

  @Test("the registration of paths is what nix-store --dump-db writes")
  func registration() throws {
    let info = try NarInfo(text: Self.text)
    #expect(
      NixRegistration.text(for: [info]) == """
        /nix/store/rdk1g5pzxriqppbk46gljn2q6yry0p8h-b
        c84619f1fae3321402a99c41970ee6aa79c2f157d14d43f1277f214fc62fdb11
        208
        /nix/store/g1x95iipswg3m56f7lw869i3haqmf46c-b.drv
        2
        /nix/store/12wigjpizrn8axaqxj288q1b751qmwya-a
        /nix/store/rdk1g5pzxriqppbk46gljn2q6yry0p8h-b

        """)
  }
}
