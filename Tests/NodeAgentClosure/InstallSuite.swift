import BinaryCache
import Crypto
import Foundation
import NixFormats
import NixTestSupport
import ProgramTestSupport
import NodeAgent
import Testing

/// Tests that install made-up closures into a directory of their own.
protocol InstallSuite {
  var directory: TemporaryDirectory { get }
  /// Signs the closures.
  var key: Curve25519.Signing.PrivateKey { get }
}

extension InstallSuite {
  var target: String { directory.file("mnt") }

  func publicKey() throws -> NixPublicKey {
    try NixPublicKey(name: "upstream-1", bytes: Array(key.publicKey.rawRepresentation))
  }

  func installer(
    _ source: DirectorySource, inFlight: Int = 8, batchSize: UInt64 = 1 << 20,
    batchInterval: Duration = .seconds(3600),
    noteTrouble: @escaping @Sendable (StorePath, String) -> Void = { _, _ in }
  ) throws -> ClosureInstaller {
    try ClosureInstaller(
      source: source, trustedKeys: [publicKey()], targetRoot: target,
      limits: ClosureLimits(
        inFlight: inFlight, batchSize: batchSize, batchInterval: batchInterval, wait: { _ in },
        noteTrouble: noteTrouble))
  }

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
  func check(_ paths: [PathFixture]) async throws {
    let entries = paths.map { ($0.storePath.baseName, $0.tree) }
    let expected = try Tree.directory(Dictionary(uniqueKeysWithValues: entries)).archive()
    #expect(try await Array(NixCommand.output(["nix-store", "--dump", target + "/nix/store"])) == expected)
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
}
