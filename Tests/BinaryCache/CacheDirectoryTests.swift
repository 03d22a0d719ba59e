import BinaryCache
import Crypto
import Foundation
import NixFormats
import NixTestSupport
import ProgramTestSupport
import Testing

@Suite struct CacheDirectoryTests {
  let directory: TemporaryDirectory
  let source: CacheFixture
  let key: SigningKey
  let cache: CacheDirectory

  init() throws {
    directory = try TemporaryDirectory()
    source = try CacheFixture(at: directory.file("source"))
    key = try SigningKey.loadOrCreate(at: directory.file("key"), name: "appliance.test-1")
    cache = try CacheDirectory(path: directory.file("cache"), signingKey: key)
  }

  /// Writes a graph: each path refers to some of those before it, and to itself.
  func graph(_ count: Int, seed: UInt64) throws -> [PathFixture] {
    var random = SeededRandom(seed: seed)
    var fixtures: [PathFixture] = []
    for index in 0..<count {
      var fixture = try PathFixture("path-\(index)", .random(using: &random))
      fixture.references =
        [fixture.storePath] + fixtures.filter { _ in Int.random(in: 0..<4, using: &random) == 0 }.map(\.storePath)
      fixtures.append(fixture)
      try source.add(fixture, compression: [.none, .xz, .zstd][index % 3])
    }
    return fixtures
  }

  /// What holds at every moment: what is visible is whole.
  func checkInvariants() throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: cache.path) where name.hasSuffix(".narinfo") {
      let info = try #require(try cache.narInfo(hashPart: String(name.dropLast(8))))
      #expect(info.isSigned(byOneOf: [key.publicKey]))
      let bytes = try Array(Data(contentsOf: URL(fileURLWithPath: cache.path + "/" + info.url)))
      #expect(try Packing.hash(bytes) == info.fileHash)
      for reference in info.references { #expect(try cache.narInfo(hashPart: reference.hashPart) != nil) }
    }
  }

  @Test("an import that is stopped anywhere shows only whole closures, and the next one ends it", arguments: 0..<6)
  func interrupted(run: Int) async throws {
    let fixtures = try graph(15, seed: UInt64(run))
    var random = SeededRandom(seed: UInt64(100 + run))
    for _ in 0..<3 {
      let stop = Int.random(in: 0..<15, using: &random)
      let task = Task { [cache, source] in
        try await cache.importCache(at: source.path) { progress in
          if progress.pathsDone >= stop { withUnsafeCurrentTask { $0?.cancel() } }
        }
      }
      _ = await task.result
      try checkInvariants()
    }
    // What a power cut leaves besides: a half-written file of a process that is gone, and a narinfo in the making.
    let litter = cache.path + "/incoming/partial-999999999-x"
    #expect(FileManager.default.createFile(atPath: litter, contents: Data([1, 2, 3])))
    #expect(
      FileManager.default.createFile(
        atPath: cache.path + "/" + fixtures[0].storePath.hashPart + ".narinfo.new", contents: Data([1])))
    let cache = try CacheDirectory(path: cache.path, signingKey: key)
    #expect(!FileManager.default.fileExists(atPath: litter))
    let report = try await cache.importCache(at: source.path)
    #expect(report.imported + report.skipped == 15)
    try checkInvariants()
    for fixture in fixtures { #expect(try cache.narInfo(hashPart: fixture.storePath.hashPart) != nil) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: cache.path + "/incoming").isEmpty)
  }

  @Test(
    "a damaged NAR file stops the import, nothing of it is seen, and the mended one is taken",
    arguments: [0, 100, 5000])
  func damaged(position: Int) async throws {
    var random = SeededRandom(seed: 9)
    let bytes = (0..<20000).map { _ in UInt8.random(in: 0...255, using: &random) }
    let library = try PathFixture("library", .file(bytes))
    let program = try PathFixture("program", .text("p"), references: [library.storePath])
    let info = try source.add(library)
    try source.add(program)
    var file = try source.read(info.url)
    let good = file
    file[position] ^= 0x55
    try source.write(file, to: info.url)
    #expect(await refusal { _ = try await cache.importCache(at: source.path) }?.reason == .refused)
    #expect(try cache.closures().isEmpty)
    try source.write(Array(good.dropLast(3)), to: info.url)
    #expect(await refusal { _ = try await cache.importCache(at: source.path) }?.reason == .refused)
    try source.write(good, to: info.url)
    #expect(try await cache.importCache(at: source.path).imported == 2)
    try checkInvariants()
  }

  @Test("a reference that is nowhere, a missing file, a wrong name and a strange compression are said")
  func sourceFaults() async throws {
    let library = try PathFixture("library", .text("l"))
    let program = try PathFixture("program", .text("p"), references: [library.storePath])
    try source.add(program)
    #expect(await refusal { _ = try await cache.importCache(at: source.path) }?.reason == .missing)
    #expect(
      await refusal { _ = try await cache.importCache(at: source.path) }?.description.contains(
        library.storePath.description) == true)
    let info = try source.add(library)
    try FileManager.default.removeItem(atPath: source.path + "/" + info.url)
    #expect(await refusal { _ = try await cache.importCache(at: source.path) }?.reason == .missing)
    try source.add(library, compression: .other("br"))
    #expect(await refusal { _ = try await cache.importCache(at: source.path) }?.description.contains("br") == true)
    try source.write(Array(info.serialized.utf8), to: program.storePath.hashPart + ".narinfo")
    #expect(await refusal { _ = try await cache.importCache(at: source.path) }?.reason == .refused)
    #expect(await refusal { _ = try await cache.importCache(at: directory.file("nothing")) }?.reason == .missing)
    #expect(try cache.closures().isEmpty)
  }

  @Test("a NAR file that is a link out of the source is not followed")
  func linkedFile() async throws {
    let info = try source.add(PathFixture("library", .text("l")))
    let file = source.path + "/" + info.url
    try FileManager.default.moveItem(atPath: file, toPath: directory.file("elsewhere"))
    try FileManager.default.createSymbolicLink(atPath: file, withDestinationPath: directory.file("elsewhere"))
    #expect(await refusal { _ = try await cache.importCache(at: source.path) } != nil)
  }

  @Test("a pipe in place of a NAR file is not waited for")
  func pipe() async throws {
    let info = try source.add(PathFixture("library", .text("l")))
    try FileManager.default.removeItem(atPath: source.path + "/" + info.url)
    #expect(mkfifo(source.path + "/" + info.url, 0o600) == 0)
    #expect(await refusal { _ = try await cache.importCache(at: source.path) }?.reason == .refused)
  }

  @Test("paths that refer to each other in a circle are refused")
  func circle() async throws {
    var first = try PathFixture("first", .text("1"))
    let second = try PathFixture("second", .text("2"), references: [first.storePath])
    first.references = [second.storePath]
    try source.add(first)
    try source.add(second)
    let roots = [first.storePath]
    #expect(await refusal { _ = try await cache.importCache(at: source.path, roots: roots) }?.reason == .refused)
  }

  @Test("only the closure that was asked for is imported")
  func roots() async throws {
    let fixtures = try graph(10, seed: 5)
    let root = fixtures[9]
    let report = try await cache.importCache(at: source.path, roots: [root.storePath])
    #expect(try cache.closure(of: root.storePath).count == report.imported)
    #expect(
      await refusal {
        _ = try await cache.importCache(at: source.path, roots: [PathFixture("unknown", .text("")).storePath])
      }?.reason == .missing)
  }

  @Test("where a trusted key is asked for, every path needs its signature")
  func trustedKeys() async throws {
    let upstream = Curve25519.Signing.PrivateKey()
    let publicKey = try NixPublicKey(name: "upstream-1", bytes: Array(upstream.publicKey.rawRepresentation))
    let library = try PathFixture("library", .text("l"))
    let program = try PathFixture("program", .text("p"), references: [library.storePath])
    try source.add(library)
    try source.add(program, key: upstream)
    #expect(
      await refusal { _ = try await cache.importCache(at: source.path, trustedKeys: [publicKey]) }?.reason == .refused)
    #expect(
      await refusal { _ = try await cache.importCache(at: source.path, trustedKeys: [publicKey]) }?.description
        .contains("library") == true)
    #expect(try cache.closures().isEmpty)
    try source.add(library, key: upstream, keyName: "other-1")
    #expect(await refusal { _ = try await cache.importCache(at: source.path, trustedKeys: [publicKey]) } != nil)
    try source.add(library, key: upstream)
    #expect(try await cache.importCache(at: source.path, trustedKeys: [publicKey]).imported == 2)
    let served = try #require(try cache.narInfo(hashPart: program.storePath.hashPart))
    #expect(served.isSigned(byOneOf: [publicKey]))
    #expect(served.isSigned(byOneOf: [key.publicKey]))
  }

  @Test("progress ends at the whole")
  func progress() async throws {
    _ = try graph(12, seed: 6)
    let (stream, continuation) = AsyncStream.makeStream(of: ImportProgress.self)
    _ = try await cache.importCache(at: source.path) { continuation.yield($0) }
    continuation.finish()
    var all: [ImportProgress] = []
    for await progress in stream { all.append(progress) }
    let last = try #require(all.last)
    #expect(last.pathsDone == 12 && last.pathsTotal == 12)
    #expect(last.bytesDone == last.bytesTotal)
    #expect(zip(all, all.dropFirst()).allSatisfy { $0.pathsDone <= $1.pathsDone && $0.bytesDone <= $1.bytesDone })
  }

  @Test("garbage is what no kept root reaches, and nothing else")
  func garbage() async throws {
    let fixtures = try graph(20, seed: 7)
    _ = try await cache.importCache(at: source.path)
    let kept = fixtures[12]
    let reached = try Set(cache.closure(of: kept.storePath).map(\.storePath))
    let young = try await cache.collectGarbage(keeping: [], graceSeconds: 3600)
    #expect(young.paths.isEmpty && young.files == 0)
    let planned = try await cache.collectGarbage(keeping: [kept.storePath], graceSeconds: -10, dryRun: true)
    #expect(planned.paths.count == 20 - reached.count)
    #expect(try cache.closure(of: kept.storePath).count == reached.count)
    let done = try await cache.collectGarbage(keeping: [kept.storePath], graceSeconds: -10)
    #expect(done == planned)
    for fixture in fixtures {
      #expect(try (cache.narInfo(hashPart: fixture.storePath.hashPart) != nil) == reached.contains(fixture.storePath))
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: cache.path + "/nar").count == reached.count)
    try checkInvariants()
    _ = try await cache.collectGarbage(keeping: [], graceSeconds: -10)
    #expect(try FileManager.default.contentsOfDirectory(atPath: cache.path + "/nar").isEmpty)
  }

  @Test("a closure counts each path once")
  func summaries() async throws {
    let library = try PathFixture("library", .text("l"))
    let left = try PathFixture("left", .text("1"), references: [library.storePath])
    let right = try PathFixture("right", .text("2"), references: [library.storePath])
    let top = try PathFixture("top", .text("3"), references: [left.storePath, right.storePath])
    let infos = try [library, left, right, top].map { try source.add($0) }
    _ = try await cache.importCache(at: source.path)
    let summary = try #require(try cache.closures().first)
    #expect(summary.root == top.storePath)
    #expect(summary.pathCount == 4)
    #expect(summary.narSize == infos.reduce(0) { $0 + $1.narSize })
    #expect(summary.fileSize == infos.reduce(0) { $0 + ($1.fileSize ?? 0) })
  }

  @Test("the cache says what it is")
  func cacheInfo() throws {
    guard case .bytes(let bytes, _) = try cache.content(of: .cacheInfo) else {
      Issue.record("nix-cache-info is not served")
      return
    }
    #expect(String(decoding: bytes, as: UTF8.self) == "StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 30\n")
  }

  @Test("a full disk is known from other errors")
  func diskFull() throws {
    let full = try OpenFile("/dev/full", flags: O_WRONLY)
    do {
      try full.write([1])
      Issue.record("/dev/full took a byte")
    } catch {
      #expect(error.isFull)
      #expect(error.description == "write /dev/full: No space left on device")
    }
  }
}
