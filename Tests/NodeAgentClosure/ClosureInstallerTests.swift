import BinaryCache
import Crypto
import Foundation
import NixFormats
import NixTestSupport
import ProgramTestSupport
import NodeAgent
import Synchronization
import Testing

@Suite struct ClosureInstallerTests: InstallSuite {
  let directory: TemporaryDirectory
  let key = Curve25519.Signing.PrivateKey()

  init() throws { directory = try TemporaryDirectory() }

  @Test("a closure that real Nix made is unpacked as real Nix unpacks it")
  func installsRealClosure() async throws {
    let nix = NixCommand(root: directory.file("root"))
    let files = directory.file("tree")
    try FileManager.default.createDirectory(atPath: files + "/bin", withIntermediateDirectories: true)
    try "#!/bin/sh\n".write(toFile: files + "/bin/tool", atomically: true, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: files + "/bin/tool")
    try "text".write(toFile: files + "/é ~", atomically: true, encoding: .utf8)
    try FileManager.default.createSymbolicLink(atPath: files + "/link", withDestinationPath: "bin/tool")
    let path = try await nix.add(files)
    try await nix.copy(path, to: "file://\(directory.file("source"))?compression=xz")
    let applianceKey = try SigningKey.loadOrCreate(at: directory.file("key"), name: "appliance-1")
    let cache = try CacheDirectory(path: directory.file("cache"), signingKey: applianceKey)
    _ = try await cache.importCache(at: directory.file("source"))

    let installer = try ClosureInstaller(
      source: DirectorySource(cache.path), trustedKeys: [applianceKey.publicKey], targetRoot: target)
    let closure = try await installer.installStore(root: StorePath(absolute: path))
    #expect(closure.paths.count == 1)
    #expect(
      try await NixCommand.output(["nix-store", "--dump", target + path])
        == NixCommand.output(["nix-store", "--dump", files]))
    let listing = "cd $0 && find . -printf '%p %m %T@ %l\\n' | sort"
    #expect(
      try await NixCommand.output(["sh", "-c", listing, target + path])
        == NixCommand.output(["sh", "-c", listing, directory.file("root") + path]))
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
    try await check(paths)
    let all = reports.withLock { $0 }
    let last = try #require(all.last)
    #expect(last.pathsDone == 30 && last.pathsTotal == 30 && last.pathsRecorded == 30)
    #expect(all.first?.pathsRecorded == 0)
    #expect(last.bytesDone == last.bytesTotal)

    let second = DirectorySource(source.path)
    #expect(try await installer(second).installStore(root: root.storePath).kept == 30)
    #expect(second.requested.isEmpty)
    try await check(paths)
  }

  @Test("modes and times are those of a Nix store")
  func metadata() async throws {
    let (_, paths) = try closure(5, seed: 2)
    let root = try #require(paths.last)
    _ = try await installer(DirectorySource(directory.file("source"))).installStore(root: root.storePath)
    let strange = try await NixCommand.output([
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
    _ = try await NixCommand.output([
      "sh", "-c", "chmod -R u+w $0 2>/dev/null; rm -rf $0; mkdir -p $0/half; echo torn > $0/half/x; mkdir $1",
      target + victim.storePath.description, target + "/nix/store/.bootstead-" + victim.storePath.baseName,
    ])
    _ = try await installer(DirectorySource(source.path)).installStore(root: root.storePath)
    try await check(paths)
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
    try await check(paths)
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
    try await check(paths)
  }

  @Test("a cache that does not answer is waited for, far longer than one that answers nonsense, and the reason is told")
  func absentCache() async throws {
    let (source, paths) = try closure(3, seed: 5)
    let root = try #require(paths.last)
    let absences = Mutex(0)
    let network = DirectorySource(source.path, chunkSize: 1 << 20) { _, _ in
      let absence = absences.withLock {
        $0 += 1
        return $0
      }
      if absence <= 20 * ClosureLimits().attempts { throw CacheSourceError.unanswered("nobody is there") }
    }
    let troubles = Mutex<Set<String>>([])
    let installer = try installer(network, inFlight: 1) { _, reason in
      troubles.withLock { _ = $0.insert(reason) }
    }
    _ = try await installer.installStore(root: root.storePath)
    try await check(paths)
    #expect(troubles.withLock { $0 } == ["nobody is there"])
  }

  @Test("what has come is recorded after a while, however little it is")
  func recordedByTime() async throws {
    let (source, paths) = try closure(6, seed: 6)
    let root = try #require(paths.last)
    let record = target + "/nix/.bootstead-installed"
    let recorded = Mutex<Set<Int>>([])
    let installer = try installer(DirectorySource(source.path), inFlight: 1, batchSize: .max, batchInterval: .zero)
    _ = try await installer.installStore(root: root.storePath) { progress in
      guard let data = FileManager.default.contents(atPath: record) else { return }
      let lines = String(decoding: data, as: UTF8.self).split(separator: "\n").count
      recorded.withLock { _ = $0.insert(lines) }
      // What is called safe is on record.
      #expect(progress.pathsRecorded <= lines)
    }
    // One path is under way while those before it are on record.
    #expect(recorded.withLock { $0 } == Set(0...6))
  }
}
