import BinaryCache
import Foundation
import NixFormats
import NixTestSupport
import ProgramTestSupport
import Testing

@Suite struct UploadTests {
  let directory: TemporaryDirectory
  let cache: CacheDirectory
  let library: PathFixture
  let program: PathFixture

  init() throws {
    directory = try TemporaryDirectory()
    let key = try SigningKey.loadOrCreate(at: directory.file("key"), name: "appliance.test-1")
    cache = try CacheDirectory(path: directory.file("cache"), signingKey: key, limits: CacheLimits(narSize: 1 << 20))
    library = try PathFixture("library", .directory(["lib.so": .text(String(repeating: "code", count: 5000))]))
    program = try PathFixture("program", .text("run", executable: true), references: [library.storePath])
  }

  /// What a client would send for a path.
  func parts(_ fixture: PathFixture, _ compression: NarInfo.Compression = .zstd) throws -> (
    info: NarInfo, file: [UInt8]
  ) {
    let archive = try fixture.tree.archive()
    let packed = try Packing.pack(archive, compression)
    return (try Packing.info(fixture, archive: archive, packed: packed, compression: compression), packed)
  }

  func send(_ file: [UInt8], to url: String) throws {
    let name = try #require(NarFileName(url.dropFirst(4)))
    var upload = try cache.beginUpload(name)
    for start in stride(from: 0, to: file.count, by: 1000) {
      try upload.write(Array(file[start..<min(start + 1000, file.count)]))
    }
    try upload.finish()
  }

  func announce(_ info: NarInfo, as hashPart: String? = nil) async throws {
    try await cache.acceptNarInfo(hashPart: hashPart ?? info.storePath.hashPart, body: Array(info.serialized.utf8))
  }

  func files(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: cache.path + "/" + folder).sorted()
  }

  @Test("an upload is served with the appliance's signature", arguments: [NarInfo.Compression.none, .xz, .zstd])
  func upload(compression: NarInfo.Compression) async throws {
    for fixture in [library, program] {
      let (info, file) = try parts(fixture, compression)
      try send(file, to: info.url)
      #expect(try cache.content(of: #require(CacheResource(path: info.url))) == nil)
      try await announce(info)
      let served = try #require(try cache.narInfo(hashPart: info.storePath.hashPart))
      #expect(served.isSigned(byOneOf: [cache.publicKey]))
      #expect(served.narHash == info.narHash)
      guard case .file(let path, let size, _) = try cache.content(of: #require(CacheResource(path: served.url)))
      else {
        Issue.record("the NAR file is not served")
        return
      }
      #expect(size == UInt64(file.count))
      #expect(try Array(Data(contentsOf: URL(fileURLWithPath: path))) == file)
      // A client that repeats itself does no harm.
      try await announce(info)
    }
    #expect(try cache.closures().map(\.root) == [program.storePath])
    #expect(try files("incoming").isEmpty)
  }

  @Test("what real nix copy sends is taken", arguments: ["xz", "zstd", "none"])
  func realUpload(compression: String) async throws {
    let nix = NixCommand(root: directory.file("root"))
    let path = try await nix.instantiate(#"builtins.toFile "b" "${builtins.toFile "a" "x"}""#)
    try await nix.copy(path, to: "file://\(directory.file("sent"))?compression=\(compression)")
    let sent = try FileManager.default.contentsOfDirectory(atPath: directory.file("sent"))
      .filter { $0.hasSuffix(".narinfo") }
      .map { try NarInfo(Array(Data(contentsOf: URL(fileURLWithPath: directory.file("sent/" + $0))))) }
    // Nix sends what is referred to first.
    for info in sent.sorted(by: { $0.references.count < $1.references.count }) {
      try send(Array(Data(contentsOf: URL(fileURLWithPath: directory.file("sent/" + info.url)))), to: info.url)
      try await announce(info)
    }
    #expect(try cache.closure(of: StorePath(absolute: path)).count == 2)
  }

  @Test("a path is refused before its NAR file has come")
  func narMissing() async throws {
    let (info, _) = try parts(library)
    #expect(await refusal { try await announce(info) }?.reason == .refused)
    #expect(try cache.narInfo(hashPart: info.storePath.hashPart) == nil)
  }

  @Test("a path is refused before what it refers to has come")
  func referenceMissing() async throws {
    let (info, file) = try parts(program)
    try send(file, to: info.url)
    #expect(await refusal { try await announce(info) }?.description.contains(library.storePath.description) == true)
    #expect(try cache.narInfo(hashPart: info.storePath.hashPart) == nil)
    let (other, otherFile) = try parts(library)
    try send(otherFile, to: other.url)
    try await announce(other)
    try await announce(info)
    #expect(try cache.closure(of: program.storePath).count == 2)
  }

  @Test("content that does not have its name's hash is refused and deleted")
  func wrongContent() throws {
    let (info, file) = try parts(library)
    #expect { try send(file + [0], to: info.url) } throws: { ($0 as? CacheError)?.reason == .refused }
    #expect { try send(Array(file.dropLast()), to: info.url) } throws: { ($0 as? CacheError)?.reason == .refused }
    #expect(try files("incoming").isEmpty)
  }

  @Test("an upload that breaks off leaves nothing behind")
  func brokenOff() throws {
    let (info, file) = try parts(library)
    do {
      var upload = try cache.beginUpload(#require(NarFileName(info.url.dropFirst(4))))
      try upload.write(Array(file.prefix(10)))
      #expect(try files("incoming").count == 1)
    }
    #expect(try files("incoming").isEmpty)
  }

  @Test("more bytes than are taken are refused")
  func tooLarge() async throws {
    let (info, _) = try parts(library)
    var upload = try cache.beginUpload(#require(NarFileName(info.url.dropFirst(4))))
    try upload.write([UInt8](repeating: 0, count: 1 << 20))
    do {
      try upload.write([0])
      Issue.record("one byte too many was taken")
    } catch {
      #expect(error.reason == .tooLarge)
    }
  }

  @Test(
    "a narinfo that lies about its NAR file is refused",
    arguments: ["NarHash", "NarSize", "FileSize", "FileHash", "Compression"])
  func lies(field: String) async throws {
    var (info, file) = try parts(library)
    try send(file, to: info.url)
    switch field {
    case "NarHash": info.narHash = try Packing.hash([1])
    case "NarSize": info.narSize -= 8
    case "FileSize": info.fileSize = UInt64(file.count + 1)
    case "FileHash": info.fileHash = try Packing.hash([2])
    default: info.compression = .xz
    }
    #expect(await refusal { try await announce(info) }?.reason == .refused)
    #expect(try cache.narInfo(hashPart: info.storePath.hashPart) == nil)
    #expect(try files("nar").isEmpty)
  }

  @Test("a narinfo under another path's name, or none at all, is refused")
  func wrongName() async throws {
    let (info, file) = try parts(library)
    try send(file, to: info.url)
    #expect(await refusal { try await announce(info, as: program.storePath.hashPart) } != nil)
    #expect(await refusal { try await announce(info, as: "../../etc/passwd") } != nil)
    #expect(
      await refusal { try await cache.acceptNarInfo(hashPart: library.storePath.hashPart, body: Array("hello".utf8)) }
        != nil)
  }

  @Test("a path that is there keeps its content")
  func keepsContent() async throws {
    let (info, file) = try parts(library)
    try send(file, to: info.url)
    try await announce(info)
    var other = library
    other.tree = .text("something else")
    let (changed, changedFile) = try parts(other)
    try send(changedFile, to: changed.url)
    #expect(await refusal { try await announce(changed) }?.reason == .refused)
    #expect(try cache.narInfo(hashPart: info.storePath.hashPart)?.narHash == info.narHash)
  }

  @Test(
    "what unpacks to more than it promises is refused when it reaches that size",
    arguments: [NarInfo.Compression.xz, .zstd])
  func bomb(compression: NarInfo.Compression) async throws {
    let archive = try Tree.file([UInt8](repeating: 0, count: 50 << 20)).archive()
    let packed = try Packing.pack(archive, compression)
    #expect(packed.count < 100_000)
    var info = try Packing.info(library, archive: archive, packed: packed, compression: compression)
    try send(packed, to: info.url)
    #expect(await refusal { try await announce(info) }?.reason == .tooLarge)
    info.narSize = 1000
    let stream = try NARStream(info)
    #expect(throws: NARStreamError.exceedsNarSize(1000)) { try stream.consume(packed[...]) { _ in } }
    #expect(stream.narBytes <= 1000)
    #expect(await refusal { try await announce(info) }?.reason == .refused)
  }

  @Test("a stream that never ends and never holds anything is cut off", arguments: [NarInfo.Compression.xz, .zstd])
  func endless(compression: NarInfo.Compression) throws {
    var info = try Packing.info(library, archive: library.tree.archive(), packed: [], compression: compression)
    info.fileHash = nil
    info.fileSize = nil
    let nothing = try Packing.pack([], compression)
    let chunk = (0..<1000).flatMap { _ in nothing }
    let stream = try NARStream(info)
    let most = info.narSize * 2 + (2 << 20)
    #expect(throws: NARStreamError.self) {
      for _ in 0..<10_000_000 / chunk.count { try stream.consume(chunk[...]) { _ in } }
    }
    #expect(stream.fileBytes <= most)
    #expect(stream.narBytes == 0)
  }

  @Test("what is no archive inside is refused, though its hashes are right")
  func noArchive() async throws {
    let bytes = Array("nix-archive-1 but not really, ending anywhere".utf8)
    let packed = try Packing.pack(bytes, .zstd)
    let info = try Packing.info(library, archive: bytes, packed: packed, compression: .zstd)
    try send(packed, to: info.url)
    #expect(await refusal { try await announce(info) }?.reason == .refused)
  }

  @Test(
    "names that are no resource of a cache are none",
    arguments: [
      "", "/", "../key", "nar/", "nar/..", "nar/../../key", "nar/x.nar", "incoming/x", "key", ".narinfo", "x.narinfo",
      "nar/\(String(repeating: "0", count: 52)).nar.bz2", "nar/\(String(repeating: "e", count: 52)).nar",
      "nar/\(String(repeating: "0", count: 52)).nar/x", "\(String(repeating: "0", count: 31))/.narinfo",
      "/nix-cache-info", "nix-cache-info/", "log/x.drv",
    ])
  func resources(path: String) {
    #expect(CacheResource(path: path) == nil)
  }
}
