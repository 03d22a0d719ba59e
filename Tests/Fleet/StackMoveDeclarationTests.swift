import Fleet
import Foundation
import Testing

@Suite("The declaration of a stack that moves")
struct StackMoveDeclarationTests {
  static let url = #""repositories":{"nas":{"type":"borg","url":"ssh://nas/./a"}}"#

  private func files(_ first: String, _ second: String, fleet: String = "{}") -> DeclaredFiles {
    DeclaredFiles([
      "fleet.json": Data(fleet.utf8), "machines/a.json": Data(first.utf8), "machines/b.json": Data(second.utf8),
    ])
  }

  private func value(_ files: DeclaredFiles, _ name: String) throws -> JSONValue {
    try JSONDecoder().decode(JSONValue.self, from: try #require(files.files["machines/\(name).json"]))
  }

  private func json(_ text: String) throws -> JSONValue {
    try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
  }

  @Test("stack, settings, its place in the plan of one repository and its passphrase go along, and back")
  func moves() throws {
    let first = """
      {"addresses":[],"stacks":["git","photos"],"settings":{"stacks":{"settings":{"photos":{"exposure":"vpn"},"git":{"x":1}}},
       "backup":{"borg-per-service":{"enable":true,"repository":"nas","stacks":["git","photos"],
         "passphrases":{"photos":"secret:p"}},\(Self.url)}}}
      """
    let second = """
      {"addresses":[],"settings":{"backup":{\(Self.url),
        "plans":{"far":{"design":"borg-per-service","repository":"nas","stacks":["wiki"]}}}}}
      """
    var move = StackMoveDeclaration(DeclarationEditor(files(first, second)))
    try move.move("photos", from: "a", to: "b")
    #expect(move.editor.changed == ["machines/a.json", "machines/b.json"])
    #expect(
      try value(move.editor.files, "a")
        == json(
          """
          {"addresses":[],"stacks":["git"],"settings":{"stacks":{"settings":{"git":{"x":1}}},"backup":{"borg-per-service":
           {"enable":true,"repository":"nas","stacks":["git"],"passphrases":{}},\(Self.url)}}}
          """))
    #expect(
      try value(move.editor.files, "b")
        == json(
          """
          {"addresses":[],"stacks":["photos"],"settings":{"stacks":{"settings":{"photos":{"exposure":"vpn"}}},
           "backup":{\(Self.url),"borg-per-service":{"passphrases":{"photos":"secret:p"}},
            "plans":{"far":{"design":"borg-per-service","repository":"nas","stacks":["wiki","photos"]}}}}}
          """))
    var again = StackMoveDeclaration(DeclarationEditor(move.editor.files))
    try again.move("photos", from: "a", to: "b")
    #expect(again.editor.changed.isEmpty)
    try again.move("photos", from: "b", to: "a")
    #expect(try value(again.editor.files, "a")["settings"] == json(first)["settings"])
    #expect(try again.editor.stacks(of: "a") == ["git", "photos"] && again.editor.stacks(of: "b").isEmpty)
  }

  @Test("what the whole fleet is told stays where it is")
  func fleet() throws {
    let fleet = """
      {"settings":{"stacks":{"settings":{"photos":{"exposure":"vpn"}}},
        "backup":{"borg-per-service":{"enable":true,"repository":"nas"},\(Self.url)}}}
      """
    var move = StackMoveDeclaration(
      DeclarationEditor(files(#"{"addresses":[],"stacks":["photos"]}"#, #"{"addresses":[]}"#, fleet: fleet)))
    try move.move("photos", from: "a", to: "b")
    #expect(try value(move.editor.files, "a") == json(#"{"addresses":[],"stacks":[]}"#))
    #expect(try value(move.editor.files, "b") == json(#"{"addresses":[],"stacks":["photos"]}"#))
  }

  @Test(
    "what is not clear is refused",
    arguments: [
      (#"{"stacks":[]}"#, "{}", "a.json does not give 'photos' to a"),
      (#"{"stacks":["photos"]}"#, #"{"stacks":["photos"]}"#, "b.json gives 'photos' to b too"),
      (
        #"{"stacks":["photos"],"settings":{"stacks":{"settings":{"photos":{"x":1}}}}}"#,
        #"{"settings":{"stacks":{"settings":{"photos":{"x":2}}}}}"#, "settings of its own at stacks.settings.photos"
      ),
      (#"{"stacks":["photos"]}"#, "nothing", "this is not JSON"),
    ])
  func refusals(first: String, second: String, mention: String) throws {
    var move = StackMoveDeclaration(DeclarationEditor(files(first, second)))
    let error = #expect(throws: FleetError.self) { try move.move("photos", from: "a", to: "b") }
    let text = "\(try #require(error))"
    #expect(text.contains(mention), "\(text)")
    #expect(move.editor.changed.isEmpty)
  }
}
