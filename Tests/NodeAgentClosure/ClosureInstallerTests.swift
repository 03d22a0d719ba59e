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

  func installer(_ source: DirectorySource, batchSize: UInt64 = 1 << 20) throws -> ClosureInstaller {
    try ClosureInstaller(
      source: source, trustedKeys: [publicKey()], targetRoot: target,
      limits: ClosureLimits(batchSize: batchSize, wait: { _ in }))
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
}
