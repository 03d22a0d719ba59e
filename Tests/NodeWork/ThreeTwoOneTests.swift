import Foundation
import NodeWork
import ProgramTestSupport
import StackSet
import Testing

@Suite("Three copies on two media, one off the house")
struct ThreeTwoOneTests {
  @Test(
    "A server, an object store and a folder are told apart by where they lie",
    arguments: [
      ("ssh://node1@nas.example.com/./node1", "nas.example.com"),
      ("ssh://node1@nas.example.com:2222/x", "nas.example.com"),
      ("node1@nas.example.com:/srv/backup", "nas.example.com"),
      ("rest:https://nas.example.com:8000/node1", "nas.example.com"),
      ("s3:https://s3.example.com/bucket", "s3.example.com"), ("b2:bucket:node1", "b2"),
      ("/mnt/backup/node1", "/mnt/backup/node1"), ("root@pam!token@pbs.example.com:8007:store", "pbs.example.com"),
      ("ssh://[2001:db8::1]:22/x", "[2001:db8::1]"), ("", ""), ("@:", ""),
    ])
  func servers(url: String, server: String) { #expect(BackupPlan.server(of: url) == server) }

  @Test("Counts copies that were made and are not too old; what is in use is one of them")
  func counted() async throws {
    let scene = try BackupScene(playsBorg: true)
    var configuration = try scene.configuration(url: "ssh://node1@nas.example.com/./node1")
    let units = UnitResults(units: [
      "syncoid-far.service": UnitResults.Unit(ended: .now, succeeded: .now, result: "success")
    ])
    func row(now: Date = .now) throws -> BackupCoverage.Row {
      try BackupCoverage(
        set: .sample(scene.stacks), configuration: configuration, folders: scene.node.folders, units: units,
        sources: Dictionary(
          scene.stacks[0].volumes.map { ($0.path, "tank/photos") }, uniquingKeysWith: { first, _ in first }), now: now
      ).rows[0]
    }
    #expect(try row().threeTwoOne.text == "1-1-0: without 2 more copies, another disk or machine, a copy off the house")
    _ = try await scene.run(configuration)
    #expect(try row().threeTwoOne.text == "2-2-0: without 1 more copy, a copy off the house")
    #expect(try row(now: .now.addingTimeInterval(BackupCoverage.staleSeconds + 60)).threeTwoOne.copies == 1)
    let other = #"{"tier":3,"units":["syncoid-far.service"],"scope":{"datasets":["tank"]}}"#
    configuration.others = ["far": try JSONDecoder().decode(OtherDesign.self, from: Data(other.utf8))]
    let met = try row().threeTwoOne
    #expect(met.isMet && met.text == "3-3-1" && met.missing == [])
    let json = try JSONSerialization.jsonObject(with: JSONEncoder().encode(met)) as? [String: Any]
    #expect(json?["isMet"] as? Bool == true)
    #expect(try JSONDecoder().decode(ThreeTwoOne.self, from: JSONEncoder().encode(met)) == met)
  }
}
