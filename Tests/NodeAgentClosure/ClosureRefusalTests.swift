import BinaryCache
import Crypto
import Foundation
import NixFormats
import NixTestSupport
import NodeAgent
import ProgramTestSupport
import Synchronization
import Testing

@Suite struct ClosureRefusalTests: InstallSuite {
  let directory: TemporaryDirectory
  let key = Curve25519.Signing.PrivateKey()

  init() throws { directory = try TemporaryDirectory() }

  @Test("a file that comes damaged is fetched once more, and refused when it stays so")
  func damaged() async throws {
    var random = SeededRandom(seed: 5)
    let content = (0..<5000).map { _ in UInt8.random(in: 0...255, using: &random) }
    let source = try CacheFixture(at: directory.file("source"))
    let path = try PathFixture("path", .directory(["a": .file(content), "b": .symlink("a")]))
    let info = try source.add(path, compression: .none, key: key)
    let good = try source.read(info.url)
    for position in [0, 30, 1000, good.count - 1] {
      var bad = good
      bad[position] ^= 1
      try source.write(bad, to: info.url)
      let network = DirectorySource(source.path)
      guard case .damaged = try await failure(installer(network), path) else {
        Issue.record("byte \(position) made no difference")
        continue
      }
      #expect(network.requested.count == 2)
      #expect(try store().isEmpty)
    }
    try source.write(good + [0], to: info.url)
    #expect(try await failure(installer(DirectorySource(source.path)), path) != nil)
    #expect(try store().isEmpty)
    try source.write(good, to: info.url)
    #expect(try await failure(installer(DirectorySource(source.path)), path) == nil)
    try await check([path])
  }

  @Test("an archive that is hostile inside writes nothing outside its path")
  func hostile() async throws {
    let source = try CacheFixture(at: directory.file("source"))
    let path = try PathFixture("path", .directory(["aa": .symlink("/etc"), "bb": .directory(["passwd": .text("x")])]))
    var archive = try path.tree.archive()
    // The second name becomes the first: a directory where there is a link already.
    let position = try #require(archive.indices.dropLast().last { archive[$0] == 98 && archive[$0 + 1] == 98 })
    archive[position] = 97
    archive[position + 1] = 97
    var info = try Packing.info(path, archive: archive, packed: archive, compression: .none)
    let signature = try Array(key.signature(for: Data(info.fingerprint.utf8)))
    info.signatures = [try NixSignature(keyName: "upstream-1", bytes: signature)]
    try source.write(archive, to: info.url)
    try source.write(info)
    guard case .damaged(_, let reason) = try await failure(installer(DirectorySource(source.path)), path) else {
      Issue.record("it was taken")
      return
    }
    #expect(reason.contains("ascend"))
    #expect(try store().isEmpty)
  }

  @Test("without a right signature nothing of a closure is fetched", arguments: ["none", "name", "key", "content"])
  func signatures(fault: String) async throws {
    let source = try CacheFixture(at: directory.file("source"))
    let library = try PathFixture("library", .text("l"))
    let program = try PathFixture("program", .text("p"), references: [library.storePath])
    try source.add(program, key: key)
    switch fault {
    case "none": try source.add(library)
    case "name": try source.add(library, key: key, keyName: "upstream-2")
    case "key": try source.add(library, key: Curve25519.Signing.PrivateKey())
    default:
      var info = try source.add(library, key: key)
      info.narHash = try Packing.hash([1])
      try source.write(info)
    }
    let network = DirectorySource(source.path)
    let installer = try installer(network)
    #expect(await failure(installer, program) == .untrusted(library.storePath, keys: ["upstream-1"]))
    #expect(network.requested.isEmpty)
    #expect(!FileManager.default.fileExists(atPath: target + "/nix"))
  }

  @Test("a path that the cache lacks, or takes for another, is named")
  func missing() async throws {
    let source = try CacheFixture(at: directory.file("source"))
    let library = try PathFixture("library", .text("l"))
    let program = try PathFixture("program", .text("p"), references: [library.storePath])
    try source.add(program, key: key)
    let installer = try installer(DirectorySource(source.path))
    #expect(await failure(installer, program) == .missing(library.storePath, referrer: program.storePath))
    try source.write(
      try source.read(program.storePath.hashPart + ".narinfo"), to: library.storePath.hashPart + ".narinfo")
    guard case .invalid(library.storePath, _) = await failure(installer, program) else {
      Issue.record("another path's narinfo was taken")
      return
    }
    let info = try source.add(library, key: key)
    try FileManager.default.removeItem(atPath: source.path + "/" + info.url)
    guard case .invalid(library.storePath, _) = await failure(installer, program) else {
      Issue.record("a missing file was passed over")
      return
    }
  }

  @Test("a closure that can not fit is refused before anything is written")
  func noSpace() async throws {
    let source = try CacheFixture(at: directory.file("source"))
    let path = try PathFixture("path", .text("l"))
    var info = try source.add(path)
    info.narSize = 1 << 60
    info.signatures = [
      try NixSignature(keyName: "upstream-1", bytes: Array(key.signature(for: Data(info.fingerprint.utf8))))
    ]
    try source.write(info)
    let network = DirectorySource(source.path)
    guard case .noSpace(_, 1_152_921_504_606_846_976, _) = try await failure(installer(network), path) else {
      Issue.record("it was begun")
      return
    }
    #expect(network.requested.isEmpty)
  }

  @Test("the running system is no target", arguments: ["/", "", "//", "relative", "/mnt/..", "/mnt/../.."])
  func targets(path: String) throws {
    let keys = [try publicKey()]
    #expect(throws: ClosureError.unsafeTarget(path)) {
      try ClosureInstaller(source: DirectorySource("/nonexistent"), trustedKeys: keys, targetRoot: path)
    }
  }
}
