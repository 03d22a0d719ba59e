import BinaryCache
import Crypto
import Foundation
import NixFormats
import NixTestSupport
import ProgramTestSupport
import NodeAgent
import Synchronization
import Testing

@Suite struct ClosureRegistrationTests {
  let directory: TemporaryDirectory
  let source: CacheFixture
  let key = Curve25519.Signing.PrivateKey()

  init() throws {
    directory = try TemporaryDirectory()
    source = try CacheFixture(at: directory.file("source"))
  }

  var target: String { directory.file("mnt") }

  func installer() throws -> ClosureInstaller {
    try ClosureInstaller(
      source: DirectorySource(source.path),
      trustedKeys: [NixPublicKey(name: "upstream-1", bytes: Array(key.publicKey.rawRepresentation))],
      targetRoot: target)
  }

  /// A system whose environment has a nix-store, by way of links as in NixOS.
  func system(withNix: Bool) throws -> [PathFixture] {
    let nix = try PathFixture(
      "nix-2.34.0",
      .directory(["bin": .directory(["nix": .text("nix", executable: true), "nix-store": .symlink("nix")])]))
    let environment = try PathFixture(
      "system-path", .directory(["bin": withNix ? .symlink("\(nix.storePath)/bin") : .directory([:])]),
      references: [nix.storePath])
    let system = try PathFixture(
      "nixos-system-node1", .directory(["sw": .symlink(environment.storePath.description), "init": .text("init")]),
      references: [environment.storePath])
    let paths = withNix ? [nix, environment, system] : [PathFixture]([environment, system])
    return try paths.map { path in
      var path = path
      if !withNix { path.references.removeAll { $0 == nix.storePath } }
      try source.add(path, key: key)
      return path
    }
  }

  func link(_ path: String) throws -> String {
    try FileManager.default.destinationOfSymbolicLink(atPath: target + path)
  }

  @Test("a closure with Nix is registered by its own nix-store, and real Nix finds every path valid and unchanged")
  func database() async throws {
    let paths = try system(withNix: true)
    let root = try #require(paths.last)
    let installer = try installer()
    let closure = try await installer.installStore(root: root.storePath)
    for _ in 0..<2 {
      let outcome = try await installer.register(closure) { targetRoot, command, registration throws(ClosureError) in
        #expect(command == "\(root.storePath)/sw/bin/nix-store")
        do {
          // Stands for the chroot: the same program, told where the target is.
          try await NixCommand(root: targetRoot).run(
            ["nix-store", "--store", targetRoot, "--load-db"],
            input: Data(contentsOf: URL(fileURLWithPath: registration)))
        } catch {
          throw .database(reason: "\(error)")
        }
      }
      #expect(outcome == .loaded(by: "\(root.storePath)/sw/bin/nix-store"))
      let nix = NixCommand(root: target)
      #expect(
        try await nix.run(["nix-store", "--store", target, "-qR", root.storePath.description])
          .split(separator: "\n").map { String($0) }.sorted() == paths.map(\.storePath.description).sorted())
      try await nix.run(["nix-store", "--store", target, "--verify", "--check-contents"])
      #expect(!FileManager.default.fileExists(atPath: target + "/nix-path-registration"))
      // The garbage collector keeps the system.
      let dead = try await nix.run(["nix-store", "--store", target, "--gc", "--print-dead"])
      #expect(!dead.contains("nixos-system"))
      #expect(try link("/nix/var/nix/profiles/system") == "system-1-link")
      #expect(try link("/nix/var/nix/profiles/system-1-link") == root.storePath.description)
      #expect(try link("/nix/var/nix/gcroots/profiles") == "/nix/var/nix/profiles")
      #expect(FileManager.default.contents(atPath: target + "/etc/NIXOS") == Data())
    }
  }

  @Test("for a closure without Nix the registration is left for the first boot")
  func withoutNix() async throws {
    let paths = try system(withNix: false)
    let root = try #require(paths.last)
    let installer = try installer()
    let closure = try await installer.installStore(root: root.storePath)
    let outcome = try await installer.register(closure) { _, _, _ throws(ClosureError) in
      Issue.record("there is nothing to run")
    }
    #expect(outcome == .leftForFirstBoot(path: "/nix-path-registration"))
    let text = try String(contentsOfFile: target + "/nix-path-registration", encoding: .utf8)
    #expect(text == NixRegistration.text(for: closure.paths))
    // Real Nix takes it, as a first boot would.
    let nix = NixCommand(root: target)
    try await nix.run(["nix-store", "--store", target, "--load-db"], input: Data(text.utf8))
    #expect(
      try await nix.run(["nix-store", "--store", target, "--dump-db"]).split(separator: "\n").sorted()
        == text.split(separator: "\n").sorted())
  }

  @Test("a database that can not be written is an error, and the registration stays for the next attempt")
  func failing() async throws {
    let root = try #require(try system(withNix: true).last)
    let installer = try installer()
    let closure = try await installer.installStore(root: root.storePath)
    await #expect(throws: ClosureError.database(reason: "no")) {
      try await installer.register(closure) { _, _, _ throws(ClosureError) in throw .database(reason: "no") }
    }
    #expect(FileManager.default.fileExists(atPath: target + "/nix-path-registration"))
  }

  @Test("the system of an earlier attempt is replaced in the profile")
  func replaced() async throws {
    let first = try #require(try system(withNix: false).last)
    let installer = try installer()
    _ = try await installer.register(installer.installStore(root: first.storePath))
    let second = try PathFixture("nixos-system-node1-b", .text("x"))
    try source.add(second, key: key)
    _ = try await installer.register(installer.installStore(root: second.storePath))
    #expect(try link("/nix/var/nix/profiles/system-1-link") == second.storePath.description)
  }

  @Test("a link that leads round in a circle, or out of the target, is no nix-store")
  func oddLinks() async throws {
    let circle = try PathFixture("nixos-system-circle", .directory(["sw": .symlink("sw")]))
    let outside = try PathFixture("nixos-system-outside", .directory(["sw": .symlink("../../../../../../../usr")]))
    for path in [circle, outside] {
      try source.add(path, key: key)
      let installer = try installer()
      let outcome = try await installer.register(installer.installStore(root: path.storePath))
      #expect(outcome == .leftForFirstBoot(path: "/nix-path-registration"))
    }
  }
}
