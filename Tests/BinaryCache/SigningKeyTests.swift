import BinaryCache
import Foundation
import NixFormats
import NixTestSupport
import ProgramTestSupport
import Testing

@Suite struct SigningKeyTests {
  let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  var file: String { directory.file("key") }

  @Test("a new key is a file that only its owner reads, and stays the same")
  func create() throws {
    let key = try SigningKey.loadOrCreate(at: file, name: "appliance.test-1")
    let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
    #expect(mode == 0o600)
    #expect(try SigningKey.loadOrCreate(at: file, name: "another-1").publicKey == key.publicKey)
    #expect(key.publicKey.name == "appliance.test-1")
  }

  @Test("a key that others can read is refused with the way out")
  func readable() throws {
    _ = try SigningKey.loadOrCreate(at: file, name: "appliance-1")
    try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
    #expect { try SigningKey.loadOrCreate(at: file, name: "appliance-1") } throws: { "\($0)".contains("chmod 600") }
  }

  @Test(
    "a key file that holds none is refused, and its text is not shown",
    arguments: [
      "", "name", "name:c2VjcmV0c2VjcmV0", "name:" + Base64.encode([UInt8](repeating: 7, count: 64)),
    ])
  func damaged(text: String) throws {
    #expect(
      FileManager.default.createFile(atPath: file, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600]))
    #expect { try SigningKey.loadOrCreate(at: file, name: "appliance-1") } throws: { error in
      error is CacheError && !"\(error)".contains("c2VjcmV0") && !"\(error)".contains("BwcH")
    }
  }

  @Test("a key's name has to be one", arguments: ["", "a b", "a:b", "a\nb"])
  func names(name: String) {
    #expect(throws: CacheError.self) { try SigningKey.loadOrCreate(at: file, name: name) }
    #expect(!FileManager.default.fileExists(atPath: file))
  }

  @Test("Nix's own keys sign and verify as ours do")
  func interoperates() async throws {
    _ = try await NixCommand.output([
      "nix-store", "--generate-binary-cache-key", "nix-made-1", file, directory.file("public"),
    ])
    let key = try SigningKey.loadOrCreate(at: file, name: "unused-1")
    let publicText = try String(contentsOfFile: directory.file("public"), encoding: .utf8)
    #expect(key.publicKey.description == publicText.trimmingCharacters(in: .newlines))

    // A signature by Nix, over a path with a reference, is right by our reading.
    let nix = NixCommand(root: directory.file("root"))
    let path = try await nix.instantiate(#"builtins.toFile "b" "${builtins.toFile "a" "x"}""#)
    try await nix.copy(path, to: "file://\(directory.file("cache"))?secret-key=\(file)")
    let storePath = try StorePath(absolute: path)
    let narInfo = try String(
      contentsOfFile: directory.file("cache/\(storePath.hashPart).narinfo"), encoding: .utf8)
    var info = try NarInfo(text: narInfo)
    #expect(info.isSigned(byOneOf: [key.publicKey]))
    // ed25519 is deterministic (RFC 8032): ours is the same.
    #expect(try [key.signature(of: info)] == info.signatures)
    info.narSize += 1
    #expect(!info.isSigned(byOneOf: [key.publicKey]))
    info.narSize -= 1
    info.references = []
    #expect(!info.isSigned(byOneOf: [key.publicKey]))
  }
}
