import Fleet
import Foundation
import Testing

@Suite("Where data comes back from")
struct DataSourceTests {
  @Test("where several plans hold a stack, Borg's comes first; a copy by classes counts where it has all of a stack")
  func severalPlans() async throws {
    var data = [
      DataRestoreTests.data("photos", "/srv/appdata/photos"), DataRestoreTests.data("git", "/srv/appdata/git"),
      DataRestoreTests.data("music", "/srv/appdata/music"), DataRestoreTests.data("wiki", "/srv/appdata/wiki"),
    ]
    data[2].classes = ["appdata", "photos"]
    data[3].classes = ["appdata", "media"]
    let node = try await DataRestoreTests.Node(data)
    let settings = """
      {"settings":{"backup":{
       "borg-per-service":{"enable":true,"repository":"nas","stacks":["photos"]},
       "restic-rest":{"enable":true,"repository":"rest","stacks":["photos","git"]},
       "b2-offsite":{"enable":true,"url":"b2:far:node1"}}},"modules":[]}
      """
    _ = try node.machine.registry.sql("UPDATE machine SET choices = '\(settings)' RETURNING id", as: Int.self)
    let restores = try #require(
      try await node.registry.fleet.previewRebuild("node1", node.request()).restores)
    #expect(restores.map(\.plan) == ["borg-per-service", "restic-rest", "b2-offsite", nil])
    #expect(restores.map(\.repository) == ["nas", "rest", "b2:far:node1", nil])
    #expect(restores.last?.state == .notBackedUp)

    // A key that was a file on the machine is lost with it; what Restic has is not.
    _ = try node.machine.registry.sql(
      "UPDATE machine SET choices = '\(settings.replacingOccurrences(of: #""repository":"nas""#, with: #""repository":"nas","encryption":"keyfile-blake2""#))' RETURNING id",
      as: Int.self)
    let without = try await node.registry.fleet.previewRebuild("node1", node.request()).restores
    #expect(without?.first?.plan == "restic-rest")
  }

  @Test(
    "what a plan leaves out and a rebuild keeps stands in nobody's way",
    arguments: [
      (#","classes":["appdata","db"]"#, StackRestore.State.planned, StackRestore.State.planned),
      (#","classes":["appdata"]"#, .notBackedUp, .notBackedUp),
      (#","classes":["photos","db"]"#, .survivedInPart, .notBackedUp),
      ("", .survivedInPart, .planned),
    ])
  func leftOut(classes: String, photos: StackRestore.State, git: StackRestore.State) async throws {
    let node = try await DataRestoreTests.Node([
      StackData(
        stack: "photos", folders: ["/srv/appdata/nas/photos", "/srv/appdata/db/photos"], classes: ["db", "photos"],
        placements: ["/srv/appdata/nas/photos": "photos", "/srv/appdata/db/photos": "db"]),
      StackData(
        stack: "git", folders: ["/srv/appdata/git", "/srv/appdata/db/git"], classes: ["appdata", "db"],
        placements: ["/srv/appdata/git": "appdata", "/srv/appdata/db/git": "db"]),
    ])
    let settings = """
      {"settings":{"backup":{"borg-per-service":{"enable":true,"repository":"nas"\(classes)}},
       "storage":{"nfs":{"mounts":{"m":{"mountPoint":"/srv/appdata/nas"}}}}},"modules":[]}
      """
    _ = try node.machine.registry.sql("UPDATE machine SET choices = '\(settings)' RETURNING id", as: Int.self)
    let restores = try #require(try await node.registry.fleet.previewRebuild("node1", node.request()).restores)
    #expect(restores.map(\.state) == [photos, git])
  }
}
