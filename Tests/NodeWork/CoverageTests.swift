import Foundation
import NodeWork
import ProgramTestSupport
import StackSet
import Testing

@Suite("Coverage by other designs")
struct CoverageTests {
  private let folder: TemporaryDirectory
  private var folders: NodeFolders { NodeFolders(state: folder.file("state"), runtime: folder.file("run")) }

  init() throws { folder = try TemporaryDirectory() }

  /// As the Nix modules write it, with `others` or a plan that units carry out.
  private func configuration(others: String = "{}", plans: String = "{}") throws -> BackupConfiguration {
    let text = #"{"schema":1,"ping":null,"repositories":{},"others":\#(others),"plans":\#(plans)}"#
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder.file("backup.json")))
    return try BackupConfiguration.read(folder.file("backup.json"))
  }

  private var set: StackSet {
    .sample([
      .sample("photos", volumes: [.sample("library", class: .photos, folder.path, owner: .root)]),
      .sample("wiki", volumes: [.sample("pages", "/srv/appdata/wiki/pages", owner: .root)]),
    ])
  }

  private func rows(
    _ configuration: BackupConfiguration, unit: String = "", source: String = "tank/photos"
  ) async throws -> [BackupCoverage.Row] {
    let runner = RecordedRunner([
      "systemctl": unit, "findmnt": #"{"filesystems":[{"source":"\#(source)","target":"/srv","fstype":"zfs"}]}"#,
    ])
    return try await BackupCoverage.read(set: set, configuration: configuration, folders: folders, runner: runner).rows
  }

  private func state(_ result: String, secondsAgo: Double = 60) -> String {
    "Result=\(result)\nExecMainExitTimestamp=@\(Int(Date.now.timeIntervalSince1970 - secondsAgo))\nLoadState=loaded\n"
  }

  private let replication =
    #"{"zfs-replication-tank":{"tier":3,"units":["syncoid-tank.service"],"scope":{"datasets":["tank"]}}}"#

  @Test("What a unit copied counts for the stacks whose data sets it copies, and for no others")
  func dataSets() async throws {
    let rows = try await rows(try configuration(others: replication), unit: state("success"))
    #expect(rows[0].newest["3"] != nil)
    #expect(rows[0].gaps == ["no restore was ever tried"])
    #expect(rows[1].gaps == ["no plan holds it"])
    let elsewhere = try await self.rows(
      try configuration(others: replication), unit: state("success"), source: "tankard/photos")
    #expect(elsewhere[0].gaps == ["no plan holds it"])
  }

  @Test("A unit that failed, is not there, or never ran is a gap", arguments: ["exit-code", "missing", "never", "old"])
  func gaps(kind: String) async throws {
    let unit =
      switch kind {
      case "missing": "Result=success\nExecMainExitTimestamp=\nLoadState=not-found\n"
      case "never": "Result=success\nExecMainExitTimestamp=\nLoadState=loaded\n"
      case "old": state("success", secondsAgo: 5 * 86400)
      default: state("exit-code")
      }
    let gaps = try await rows(try configuration(others: replication), unit: unit)[0].gaps.joined(separator: "; ")
    let text =
      ["exit-code": "ended with exit-code", "missing": "does not know", "old": "the newest copy is of"][kind]
      ?? "no run is known that ended well"
    #expect(gaps.contains(text), "\(gaps)")
  }

  @Test("What systemd said before the machine's restart is remembered")
  func remembered() async throws {
    let configuration = try configuration(others: replication)
    let first = try await rows(configuration, unit: state("success"))
    let restarted = try await rows(
      configuration, unit: "Result=success\nExecMainExitTimestamp=\nLoadState=loaded\n")
    #expect(restarted[0].newest == first[0].newest)
    // A failure since takes nothing away from what succeeded before, and is said.
    let failed = try await rows(configuration, unit: state("timeout", secondsAgo: 5))
    #expect(failed[0].newest == first[0].newest)
    #expect(failed[0].gaps.contains { $0.contains("ended with timeout") })
  }

  @Test("What another machine fetches is not known here, and that is said")
  func pulled() async throws {
    let path = folder.path
    let rows = try await rows(
      try configuration(others: #"{"pull-target":{"tier":3,"units":[],"scope":{"paths":["\#(path)"]}}}"#))
    #expect(rows[0].notes.first?.contains("another machine fetches") == true)
    #expect(rows[0].newest == [:])
  }

  @Test("A Borg plan that leaves classes out holds the stacks without such data, and says of others what is missing")
  func borgClasses() async throws {
    let plan =
      #"{"borg-per-service":{"design":"borg-per-service","tier":1,"stacks":["photos","wiki"],"repository":"nas","#
      + #""settings":{"encryption":"repokey-blake2","compression":"zstd,3","exclude":[],"stackRetention":{},"#
      + #""retention":{"last":0,"daily":7,"weekly":4,"monthly":6,"yearly":0},"checkSchedule":"weekly","#
      + #""classes":["appdata","db"],"passphraseFiles":{}}}}"#
    let configuration = try configuration(plans: plan)
    let rows = try await rows(configuration)
    #expect(rows[0].gaps.contains("no plan holds all of it"))
    #expect(rows[0].notes == ["tier 1 (borg-per-service): without library (photos)"])
    #expect(rows[1].notes.isEmpty && !rows[1].gaps.contains { $0.contains("no plan") })
    // The one that is left out in part is copied all the same, and its restore is tried.
    #expect(try configuration.plan("borg-per-service").stacks(in: set) == ["photos", "wiki"])
    #expect(configuration.testedPlans(of: "photos", in: set).count == 1)
  }

  @Test("A plan by placement class of a design that only a unit knows holds the stacks of that class")
  func classes() async throws {
    let plan =
      #"{"far":{"design":"of-ones-own","tier":3,"unit":"bootstead-backup-far.service","stacks":[],"#
      + #""repository":null,"settings":{"classes":["photos"]}}}"#
    let rows = try await rows(try configuration(plans: plan), unit: state("exit-code"))
    #expect(rows[0].copies.map(\.name) == ["far"])
    #expect(rows[0].gaps.contains { $0.contains("bootstead-backup-far.service ended with exit-code") })
    #expect(rows[1].gaps == ["no plan holds it"])
  }
}
