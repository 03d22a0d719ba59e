import DiskLayout
import Fleet
import Foundation
import NodeFlake
import ProgramTestSupport
import Testing

@Suite("Stacks that move, as they are compiled for both machines")
struct FlakeMoveTests {
  private let folder: TemporaryDirectory
  private let fixture: FlakeFixture
  private let fleet: Fleet
  private let nodes: NodeFlakes

  init() throws {
    folder = try TemporaryDirectory()
    fixture = try FlakeFixture()
    fleet = try Fleet(path: folder.file("fleet.sqlite"))
    nodes = NodeFlakes(
      fleet: fleet, templates: fixture.templates, appliance: ApplianceIdentity(url: "http://192.0.2.1:8080"),
      folder: URL(fileURLWithPath: folder.file("flakes")))
  }

  private static let backup = """
    "backup":{"borg-per-service":{"enable":true,"repository":"nas"},
      "repositories":{"nas":{"type":"borg","url":"ssh://store@nas/./house"}}}
    """

  private func declare(limit: Int = 7) async throws -> DeclaredFiles {
    let stacks =
      #""stacks":{"settings":{"photos":{"parameters":{"limit":\#(limit)},"secrets":{"TOKEN":"secret:mine"}}}}"#
    let files = DeclaredFiles([
      "machines/node1.json": Data(
        #"{"addresses":["52:54:00:00:00:01"],"stacks":["photos"],"settings":{\#(stacks),\#(Self.backup)}}"#.utf8),
      "machines/node2.json": Data(#"{"addresses":["52:54:00:00:00:02"],"settings":{\#(Self.backup)}}"#.utf8),
    ])
    let rules = try TemplateFolder(path: fixture.templates).declarationRules()
    let plan = try await fleet.planDeclaration(files, rules: rules)
    _ = try await fleet.applyDeclaration(files, rules: rules, consented: plan.digest)
    return files
  }

  private func said(_ request: StackMoveRequest) async -> String {
    do { return try await nodes.planMove(request).text } catch { return "\(error)" }
  }

  @Test(
    "its secrets, volumes and settings are those of both machines' compiled stacks; the target's are of the new files")
  func sides() async throws {
    var move = StackMoveDeclaration(DeclarationEditor(try await declare()))
    try move.move("photos", from: "node1", to: "node2")
    let request = StackMoveRequest(stack: "photos", source: "node1", target: "node2", files: move.editor.files)
    let refused = await said(request)
    // Nothing of it is installed, and no secret is stored.
    for part in [
      "node1 is armed, and both have to run", "node2 is armed", "no value of the secret 'mine' is stored",
      "no value of the secret 'photos-key'", "no value of the secret 'borg-photos'",
    ] { #expect(refused.contains(part), "\(part): \(refused)") }
    #expect(!refused.contains("repository with that URL"))
    for name in ["mine", "photos-key", "borg-photos"] {
      try await fleet.setSecret(Data("x".utf8), named: name, of: "node1", firstUse: true)
    }
    let stored = await said(request)
    #expect(stored.contains("both have to run") && !stored.contains("secret"), "\(stored)")
  }

  @Test("what does not compile for the target, and what nobody has, is refused with its reason")
  func refusals() async throws {
    let files = try await declare()
    // Not given to it yet.
    let without = await said(StackMoveRequest(stack: "photos", source: "node1", target: "node2", files: files))
    #expect(without.contains("node2 has no stack 'photos'"), "\(without)")
    let other = await said(StackMoveRequest(stack: "wiki", source: "node1", target: "node2", files: files))
    #expect(other.contains("node1 has no stack 'wiki'; it has photos"), "\(other)")
    var move = StackMoveDeclaration(DeclarationEditor(files))
    try move.move("photos", from: "node1", to: "node2")
    var bad = move.editor
    try bad.set(.integer(99), at: ["settings", "stacks", "settings", "photos", "parameters", "limit"], of: "node2")
    let refused = await said(StackMoveRequest(stack: "photos", source: "node1", target: "node2", files: bad.files))
    #expect(refused.contains("limit"), "\(refused)")
    #expect(
      await said(StackMoveRequest(stack: "photos", source: "none", target: "node2", files: files)).contains("none"))
  }
}
