import BinaryCache
import Crypto
import Foundation
import NixFormats
import NixTestSupport
import ProgramTestSupport
import Testing

@Suite struct ImportTests {
  let directory: TemporaryDirectory
  let source: CacheFixture
  let key: SigningKey

  init() throws {
    directory = try TemporaryDirectory()
    source = try CacheFixture(at: directory.file("source"))
    key = try SigningKey.loadOrCreate(at: directory.file("key"), name: "appliance.test-1")
  }

  func cache() throws -> CacheDirectory { try CacheDirectory(path: directory.file("cache"), signingKey: key) }

  @Test("a cache written by nix copy is imported, and its paths are signed", arguments: ["xz", "zstd", "none"])
  func importsRealCache(compression: String) async throws {
    let nix = NixCommand(root: directory.file("root"))
    let path = try await nix.instantiate(
      #"let a = builtins.toFile "a" "hello"; b = builtins.toFile "b" "${a}"; in builtins.toFile "c" "${a} ${b}""#)
    try await nix.copy(path, to: "file://\(directory.file("real"))?compression=\(compression)")
    let cache = try cache()
    let report = try await cache.importCache(at: directory.file("real"))
    #expect(report.imported == 3)
    #expect(report.roots == [try StorePath(absolute: path)])
    let closure = try cache.closure(of: StorePath(absolute: path))
    #expect(closure.map(\.storePath.name).sorted() == ["a", "b", "c"])
    #expect(closure.allSatisfy { $0.isSigned(byOneOf: [key.publicKey]) })
    #expect(try cache.closures().map(\.pathCount) == [3])

    let again = try await cache.importCache(at: directory.file("real"))
    #expect(again.imported == 0)
    #expect(again.skipped == 3)
  }

  @Test("real Nix installs from the imported cache and accepts its signatures")
  func realNixReadsBack() async throws {
    let nix = NixCommand(root: directory.file("root"))
    let path = try await nix.instantiate(#"builtins.toFile "c" "${builtins.toFile "a" "hello"}""#)
    try await nix.copy(path, to: "file://\(directory.file("real"))")
    let cache = try cache()
    _ = try await cache.importCache(at: directory.file("real"))
    let target = NixCommand(root: "file://\(directory.file("cache"))")
    try await target.copy(
      path, to: directory.file("target"), options: ["--option", "trusted-public-keys", key.publicKey.description])
    #expect(FileManager.default.fileExists(atPath: directory.file("target") + path))
    let text = try await nix.run([
      "nix", "--extra-experimental-features", "nix-command", "store", "verify", "--store", "file://\(cache.path)",
      "--option", "trusted-public-keys", key.publicKey.description, "-r", path,
    ])
    #expect(text.isEmpty)
  }
}
