import BinaryCache
import Crypto
import Foundation
import NixFormats
import NixTestSupport
import NodeAgent
import Synchronization
import Testing

@Suite struct ClosureInstallerTests {
  let directory: TemporaryDirectory
  let key = Curve25519.Signing.PrivateKey()

  init() throws { directory = try TemporaryDirectory() }

  var target: String { directory.file("mnt") }

  func publicKey() throws -> NixPublicKey {
    try NixPublicKey(name: "upstream-1", bytes: Array(key.publicKey.rawRepresentation))
  }

  func installer(
    _ source: DirectorySource, inFlight: Int = 8, batchSize: UInt64 = 1 << 20
  ) throws -> ClosureInstaller {
    try ClosureInstaller(
      source: source, trustedKeys: [publicKey()], targetRoot: target,
      limits: ClosureLimits(inFlight: inFlight, batchSize: batchSize, wait: { _ in }))
  }

  @Test("a closure that real Nix made is unpacked as real Nix unpacks it")
  func installsRealClosure() async throws {
    let nix = NixCommand(root: directory.file("root"))
    let files = directory.file("tree")
    try FileManager.default.createDirectory(atPath: files + "/bin", withIntermediateDirectories: true)
    try "#!/bin/sh\n".write(toFile: files + "/bin/tool", atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: files + "/bin/tool")
    try "text".write(toFile: files + "/é ~", atomically: true, encoding: .utf8)
    try FileManager.default.createSymbolicLink(atPath: files + "/link", withDestinationPath: "bin/tool")
    let path = try nix.add(files)
    try nix.copy(path, to: "file://\(directory.file("source"))?compression=xz")
    let applianceKey = try SigningKey.loadOrCreate(at: directory.file("key"), name: "appliance-1")
    let cache = try CacheDirectory(path: directory.file("cache"), signingKey: applianceKey)
    _ = try await cache.importCache(at: directory.file("source"))

    let installer = try ClosureInstaller(
      source: DirectorySource(cache.path), trustedKeys: [applianceKey.publicKey], targetRoot: target)
    let closure = try await installer.installStore(root: StorePath(absolute: path))
    #expect(closure.paths.count == 1)
    #expect(
      try NixCommand.output(["nix-store", "--dump", target + path])
        == NixCommand.output(["nix-store", "--dump", files]))
    let listing = "cd $0 && find . -printf '%p %m %T@ %l\\n' | sort"
    #expect(
      try NixCommand.output(["sh", "-c", listing, target + path])
        == NixCommand.output(["sh", "-c", listing, directory.file("root") + path]))
  }

  // MARK: Made-up closures

  /// Writes a signed closure; its root is the last path.
  func closure(_ count: Int, seed: UInt64) throws -> (source: CacheFixture, paths: [PathFixture]) {
    var random = SeededRandom(seed: seed)
    let source = try CacheFixture(at: directory.file("source"))
    var paths: [PathFixture] = []
    for index in 0..<count {
      var path = try PathFixture("path-\(index)", .random(using: &random))
      path.references = [path.storePath] + paths.suffix(3).map(\.storePath)
      paths.append(path)
      try source.add(path, compression: [.none, .xz, .zstd][index % 3], key: key)
    }
    return (source, paths)
  }

  /// Every path is there, with exactly its content, and nothing else is.
  func check(_ paths: [PathFixture]) throws {
    let entries = paths.map { ($0.storePath.baseName, $0.tree) }
    let expected = try Tree.directory(Dictionary(uniqueKeysWithValues: entries)).archive()
    #expect(try Array(NixCommand.output(["nix-store", "--dump", target + "/nix/store"])) == expected)
  }

  func store() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: target + "/nix/store").sorted()
  }

  func failure(_ installer: ClosureInstaller, _ root: PathFixture) async -> ClosureError? {
    do throws(ClosureError) {
      _ = try await installer.installStore(root: root.storePath)
      return nil
    } catch {
      return error
    }
  }

  @Test("a closure is installed whole, and installing it again fetches nothing")
  func again() async throws {
    let (source, paths) = try closure(30, seed: 1)
    let root = try #require(paths.last)
    let reports = Mutex<[ClosureProgress]>([])
    let first = DirectorySource(source.path)
    let installed = try await installer(first).installStore(root: root.storePath) { progress in
      reports.withLock { $0.append(progress) }
    }
    #expect(installed.paths.count == 30)
    #expect(installed.kept == 0)
    try check(paths)
    let all = reports.withLock { $0 }
    let last = try #require(all.last)
    #expect(last.pathsDone == 30 && last.pathsTotal == 30)
    #expect(last.bytesDone == last.bytesTotal)

    let second = DirectorySource(source.path)
    #expect(try await installer(second).installStore(root: root.storePath).kept == 30)
    #expect(second.requested.isEmpty)
    try check(paths)
  }

  @Test("modes and times are those of a Nix store")
  func metadata() async throws {
    let (_, paths) = try closure(5, seed: 2)
    let root = try #require(paths.last)
    _ = try await installer(DirectorySource(directory.file("source"))).installStore(root: root.storePath)
    let strange = try NixCommand.output([
      "sh", "-c",
      """
      cd $0 && find . -mindepth 1 \\( -type d ! -perm 555 -o -type f ! -perm 444 ! -perm 555 -o ! -newermt @0 -o -newermt @1 \\)
      """, target + "/nix/store",
    ])
    #expect(String(decoding: strange, as: UTF8.self) == "")
    let mode = try FileManager.default.attributesOfItem(atPath: target + "/nix/store")[.posixPermissions] as? Int
    #expect(mode == 0o1775)
  }

  @Test("stopped anywhere, it goes on with what is missing", arguments: 0..<6)
  func interrupted(run: Int) async throws {
    let (source, paths) = try closure(20, seed: UInt64(run + 10))
    let root = try #require(paths.last)
    var random = SeededRandom(seed: UInt64(run))
    for _ in 0..<3 {
      let stop = Int.random(in: 0..<20, using: &random)
      let installer = try installer(DirectorySource(source.path, chunkSize: 100), batchSize: 20_000)
      let task = Task {
        try await installer.installStore(root: root.storePath) { progress in
          if progress.pathsDone >= stop { withUnsafeCurrentTask { $0?.cancel() } }
        }
      }
      _ = await task.result
    }
    // A power cut leaves more than a clean stop: half a path under its own name, and a torn line in the record.
    let victim = paths[Int.random(in: 0..<20, using: &random)]
    let record = target + "/nix/.bootstead-installed"
    var lines = String(decoding: try #require(FileManager.default.contents(atPath: record)), as: UTF8.self)
      .split(separator: "\n").map { String($0) }.filter { !$0.hasPrefix(victim.storePath.baseName) }
    lines.append(String((victim.storePath.baseName + " sha256:").prefix(60)))
    #expect(FileManager.default.createFile(atPath: record, contents: Data(lines.joined(separator: "\n").utf8)))
    _ = try NixCommand.output([
      "sh", "-c", "chmod -R u+w $0 2>/dev/null; rm -rf $0; mkdir -p $0/half; echo torn > $0/half/x; mkdir $1",
      target + victim.storePath.description, target + "/nix/store/.bootstead-" + victim.storePath.baseName,
    ])
    _ = try await installer(DirectorySource(source.path)).installStore(root: root.storePath)
    try check(paths)
  }

  @Test("a network that breaks everywhere costs no byte twice")
  func badNetwork() async throws {
    let (source, paths) = try closure(10, seed: 3)
    let root = try #require(paths.last)
    let failed = Mutex<Set<String>>([])
    let network = DirectorySource(source.path, chunkSize: 500) { url, offset in
      if failed.withLock({ $0.insert("\(url)@\(offset)").inserted }) { throw DirectorySource.Broken() }
    }
    _ = try await installer(network).installStore(root: root.storePath)
    try check(paths)
    // Each piece failed once, and each request began where the one before had stopped.
    let requests = network.requested
    #expect(Set(requests.filter { !$0.hasSuffix("@0") }).count == requests.filter { !$0.hasSuffix("@0") }.count)
    // Where it broke after the last byte, nothing was asked for again.
    for name in try FileManager.default.contentsOfDirectory(atPath: source.path + "/nar") {
      #expect(try !requests.contains("nar/\(name)@\(source.read("nar/" + name).count)"))
    }
  }

  @Test("a network that stays away is given up with what has come kept")
  func deadNetwork() async throws {
    let (source, paths) = try closure(10, seed: 4)
    let root = try #require(paths.last)
    let fetched = Mutex(0)
    let network = DirectorySource(source.path, chunkSize: 1 << 20) { url, offset in
      guard url.hasPrefix("nar/"), offset == 0 else { return }
      if fetched.withLock({
        $0 += 1; return $0 > 4
      }) {
        throw DirectorySource.Broken()
      }
    }
    let error = try await failure(installer(network, inFlight: 1), root)
    guard case .unreachable(_, let attempts, _) = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(attempts == ClosureLimits().attempts)
    #expect(try await installer(DirectorySource(source.path)).installStore(root: root.storePath).kept == 4)
    try check(paths)
  }

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
    try check([path])
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
