import Foundation
import NodeWork
import ProgramRunner
import StackSet
import Synchronization
import Testing

/// With a real Restic; a folder takes the object store's place, which can not be had here. LVM and the container engine
/// are played (see SimulatedNode).
@Suite("Copies out of the house")
struct OffsiteTests {
  private func backedUp() async throws -> (BackupScene, BackupConfiguration) {
    var scene = try BackupScene(stacks: ["photos", "wiki"])
    scene.stacks[0].volumes[1].class = .appdata
    for index in scene.stacks[1].volumes.indices { scene.stacks[1].volumes[index].class = .appdata }
    try scene.write("AKIDEXAMPLE\n", to: "identifier")
    try scene.write("key-of-the-store\n", to: "key")
    let configuration = try scene.restic(scene.node.file("rest"), offsite: scene.node.file("far"))
    #expect(try await scene.repository("photos", plan: "b2-offsite", configuration).initialise())
    let results = try await scene.run(plan: "b2-offsite", configuration)
    // No volume of the other stack is of the class.
    #expect(results.map(\.stack) == ["photos"])
    #expect(results.map(\.outcome) == [.succeeded], "\(results)")
    scene.expectClean()
    return (scene, configuration)
  }

  @Test("Volumes of the chosen classes are copied, with the keys in the environment and the upload's limit")
  func classes() async throws {
    let (scene, configuration) = try await backedUp()
    _ = try await scene.engine.extract(
      "photos", archive: "latest", to: scene.node.file("out"), plan: configuration.plan("b2-offsite"),
      configuration: configuration)
    #expect(scene.text("out/volumes/library/one.jpg") == "picture of photos")
    #expect(scene.text("out/volumes/database/table") == nil)
    #expect(scene.commands("restic", " backup ").allSatisfy { $0.contains("--limit-upload 50000") })
    let commands = scene.node.state.withLock { $0.commands.filter { $0.program == "restic" } }
    #expect(commands.allSatisfy { $0.environment["AWS_SECRET_ACCESS_KEY"] == "key-of-the-store" })
    #expect(commands.allSatisfy { $0.environment["AWS_ACCESS_KEY_ID"] == "AKIDEXAMPLE" })
    #expect(!commands.contains { "\($0)".contains("key-of-the-store") })
  }

  @Test("A restore brings back what was copied, and leaves the rest as it is")
  func restore() async throws {
    let (scene, configuration) = try await backedUp()
    try scene.write("spoiled", to: "srv/photos/library/one.jpg")
    try scene.write("newer rows", to: "srv/photos/database/table")
    let (result, _) = try await scene.engine.restore(
      "photos", plan: configuration.plan("b2-offsite"), configuration: configuration)
    scene.locks.releaseAll()
    #expect(result.hasSucceeded, "\(result)")
    #expect(result.notes.contains { $0.contains("holds no volume database") })
    #expect(scene.text("srv/photos/library/one.jpg") == "picture of photos")
    #expect(scene.text("srv/photos/database/table") == "newer rows")
    scene.expectClean()
  }

  @Test("Coverage shows the tier of what is copied, and which volumes are not")
  func coverage() async throws {
    let (scene, configuration) = try await backedUp()
    let rows = try BackupCoverage(
      set: .sample(scene.stacks), configuration: configuration, folders: scene.node.folders
    ).rows
    #expect(rows[0].newest["3"] != nil)
    #expect(rows[0].notes == ["tier 3 (b2-offsite): without database (appdata)"])
    #expect(rows[1].newest["3"] == nil)
  }

  @Test("A test fetches from the store only where no other plan holds the stack, and looks at files of a part alone")
  func testRestore() async throws {
    let (scene, configuration) = try await backedUp()
    let set = StackSet.sample(scene.stacks)
    #expect(configuration.testedPlans(of: "photos", in: set).map(\.tier) == [1])
    var far = configuration
    far.plans["restic-rest"] = nil
    #expect(far.testedPlans(of: "photos", in: set).map(\.tier) == [3])
    let result = try await scene.engine.testRestore(
      "photos", scratch: scene.node.file("scratch"), plan: configuration.plan("b2-offsite"),
      configuration: configuration)
    scene.locks.releaseAll()
    #expect(result.hasSucceeded, "\(result)")
    #expect(!result.isVerified)
    #expect(result.notes.contains { $0.contains("a part of the stack") })
    scene.expectClean()
  }

  @Test("Each run removes old archives, and no others")
  func prune() async throws {
    let (scene, configuration) = try await backedUp()
    var names: [String] = []
    for _ in 0..<2 { names += try await scene.run(plan: "b2-offsite", configuration).compactMap(\.archive) }
    #expect(try await scene.repository("photos", plan: "b2-offsite", configuration).archives().map(\.name) == names)
  }

  @Test(
    "Each stack has a repository below the plan's",
    arguments: [
      ("b2:bucket", "b2:bucket:photos"), ("b2:bucket:node1", "b2:bucket:node1/photos"),
      ("s3:https://s3.example.com/bucket", "s3:https://s3.example.com/bucket/photos"),
      ("rest:https://rest.example.com/node1/", "rest:https://rest.example.com/node1/photos"),
    ])
  func addresses(url: String, expected: String) {
    #expect(ResticRepository.url(url, below: "photos") == expected)
  }

  /// Answers as Restic 0.17 and later give them, and stores that can not be had here.
  struct Played: CommandRunner {
    var output: CommandOutput

    func run(_ command: Command) async throws(CommandFailure) -> CommandOutput { output }
  }

  @Test(
    "What newer versions and object stores say is understood",
    arguments: [
      (
        10, #"{"message_type":"exit_error","code":10,"message":"Fatal: repository does not exist"}"#,
        "repositoryMissing"
      ),
      (11, #"{"message_type":"exit_error","code":11,"message":"unable to create lock"}"#, "repositoryLocked"),
      (12, #"{"message_type":"exit_error","code":12,"message":"Fatal: wrong password"}"#, "wrongPassphrase"),
      (1, "Fatal: b2_authorize_account: 401: Unauthorized", "repositoryUnreachable"),
      (1, "Fatal: unable to open config file: The Access Key Id you provided does not exist.", "repositoryUnreachable"),
      (1, "Fatal: dial tcp: lookup s3.example.com: no such host", "repositoryUnreachable"),
      (1, "Load(<data/00>) failed: ciphertext verification failed", "damaged"),
      (1, "something else", "command"),
    ])
  func messages(code: Int32, text: String, kind: String) async throws {
    let scene = try BackupScene()
    let repository = ResticRepository(
      url: "s3:https://s3.example.com/bucket/photos", stack: "photos", machine: "node1",
      passphraseFile: scene.node.file("secret"), folder: scene.node.folders.restic, lockWait: .zero,
      runner: Played(output: CommandOutput(standardError: text + "\n", code: code)))
    let error = await #expect(throws: NodeWorkError.self) { try await repository.probe() }
    #expect(error?.kind.rawValue == kind, "\(String(describing: error))")
  }

  @Test("Files that could not be read are named, and the archive of the others counts")
  func incomplete() async throws {
    let scene = try BackupScene()
    // As Restic 0.17 writes it; root can read all files of a test.
    let played = CommandOutput(
      standardOutput: #"""
        {"message_type":"summary","files_new":1,"data_added":5,"total_files_processed":1,"total_bytes_processed":5,
        "snapshot_id":"feae8047"}
        """#.replacingOccurrences(of: "\n", with: ""),
      standardError: #"{"message_type":"error","error":{"message":"read: input/output error"},"during":"archival","#
        + #""item":"/x/one.jpg"}"# + "\n", code: 3)
    let repository = ResticRepository(
      url: "s3:https://s3.example.com/bucket/photos", stack: "photos", machine: "node1",
      passphraseFile: scene.node.file("secret"), folder: scene.node.folders.restic, runner: Played(output: played))
    let made = try await repository.create("photos-2", of: ["volumes"], in: "/x", exclude: [])
    #expect(made.warnings == ["/x/one.jpg: read: input/output error"])
    #expect(made.files == 1)
  }
}
