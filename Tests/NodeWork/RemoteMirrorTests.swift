import Foundation
import NodeWork
import ProgramTestSupport
import StackSet
import Testing

/// With a real rsync over a real SSH to a real sshd.
@Suite("Mirrors over SSH")
struct RemoteMirrorTests {
  private func configuration(
    _ scene: BackupScene, _ server: MirrorServer, hostKey: String, key: String = "user", folder: String = "mirror"
  ) throws -> BackupConfiguration {
    let user = NSUserName()
    let url = "ssh://\(user)@127.0.0.1:\(server.port)\(server.folder.file(folder))"
    return try scene.configuration(
      design: "rsync-mirror",
      settings: #"{"paths":["\#(scene.node.file("srv"))"],"maximumDeletions":1,"dumpFirst":true}"#,
      repository: #"{"type":"rsync","url":"\#(url)","environmentFiles":{},"hostKey":"\#(hostKey)","#
        + #""sshKeyFile":"\#(server.folder.file(key))"}"#)
  }

  private func run(_ scene: BackupScene, _ configuration: BackupConfiguration) async throws -> [BackupResult] {
    try await scene.engine(RealTools(scene.node)).run(plan: "rsync-mirror", configuration: configuration)
  }

  @Test("A mirror comes to be, follows what is deleted, and refuses to follow too much")
  func mirror() async throws {
    let scene = try BackupScene(quiesce: .dump)
    let server = try await MirrorServer()
    let configuration = try configuration(scene, server, hostKey: server.hostKey)
    let first = try await run(scene, configuration)
    #expect(first.map(\.outcome) == [.succeeded, .succeeded], "\(first)")
    let mirror = server.folder.file("mirror")
    let copy = mirror + scene.node.file("srv/photos/library/one.jpg")
    #expect(try String(contentsOfFile: copy, encoding: .utf8) == "picture of photos")
    #expect(FileManager.default.fileExists(atPath: mirror + "/bootstead-dumps/photos/database.dump"))

    try FileManager.default.removeItem(atPath: scene.node.file("srv/photos/database/table"))
    #expect(try await run(scene, configuration).map(\.outcome) == [.succeeded, .succeeded])
    #expect(!FileManager.default.fileExists(atPath: mirror + scene.node.file("srv/photos/database/table")))
    try FileManager.default.removeItem(atPath: scene.node.file("srv/photos/library"))
    let refused = try await run(scene, configuration)
    #expect(refused.map(\.outcome) == [.failed, .failed])
    #expect(refused[0].problem?.contains("would be deleted at") == true)
    #expect(FileManager.default.fileExists(atPath: copy))
  }

  @Test("Another host key, a key that is not taken, and a target that is not up are told apart, and nothing is sent")
  func refusals() async throws {
    let scene = try BackupScene(quiesce: .dump)
    let server = try await MirrorServer()
    let wrongHost = try await run(scene, try configuration(scene, server, hostKey: server.otherKey))
    #expect(wrongHost.allSatisfy { $0.outcome == .failed })
    #expect(wrongHost[0].problem?.contains("does not show the key of 'hostKey'") == true, "\(wrongHost)")
    let wrongKey = try await run(scene, try configuration(scene, server, hostKey: server.hostKey, key: "stranger"))
    #expect(wrongKey[0].problem?.contains("let the target take this machine's SSH key") == true, "\(wrongKey)")
    var down = try configuration(scene, server, hostKey: server.hostKey)
    // No server has the first port.
    down.repositories["there"]?.url = "ssh://nobody@127.0.0.1:1/mirror"
    let unreachable = try await run(scene, down)
    #expect(unreachable[0].problem?.contains("see whether the target is up") == true, "\(unreachable)")
    #expect(!FileManager.default.fileExists(atPath: server.folder.file("mirror")))
    #expect(try scene.mounts() == [])
    let row = try await scene.coverage("photos", down)
    #expect(row.newest == [:])
  }

  @Test("A folder whose parent is not at the target is not made")
  func missing() async throws {
    let scene = try BackupScene(quiesce: .dump)
    let server = try await MirrorServer()
    let results = try await run(scene, try configuration(scene, server, hostKey: server.hostKey, folder: "not/there"))
    #expect(results[0].problem?.contains("make the folder at the target") == true, "\(results)")
    withExtendedLifetime(server) {}
  }

  @Test(
    "What is no target for rsync over SSH is refused",
    arguments: [
      "rsync://nas/module", "nas::module", "ssh://nas", "ssh://nas:0/x", "ssh://nas:99999/x", "-oProxyCommand=x:/y",
      "nas",
      "nas:", "ssh:///x", "a b:/x", "https://nas/x",
    ])
  func targets(url: String) async throws {
    let scene = try BackupScene(quiesce: .dump)
    let configuration = try scene.configuration(
      design: "rsync-mirror",
      settings: #"{"paths":["\#(scene.node.file("srv"))"],"maximumDeletions":1,"dumpFirst":true}"#,
      repository: #"{"type":"rsync","url":"\#(url)","environmentFiles":{}}"#)
    let results = try await run(scene, configuration)
    #expect(results.map(\.outcome) == [.failed, .failed])
    #expect(results[0].problem?.contains("is no target for rsync") == true, "\(results)")
  }
}
