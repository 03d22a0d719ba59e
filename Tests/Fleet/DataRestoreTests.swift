import AgentProtocol
import DiskLayout
import Fleet
import Foundation
import Testing

@Suite("Data that comes back with a rebuild")
struct DataRestoreTests {
  static let settings = """
    {"settings":{"backup":{"borg-per-service":{"enable":true,"repository":"nas","stacks":["photos","git","files"]},
     "plans":{"own":{"design":"borg-per-service","repository":"attic","stacks":["wiki"]},
      "far":{"design":"b2-offsite","repository":"b2","stacks":["music"]}}},
     "storage":{"zfs":{"pools":{"lode":{"datasets":{"p":{"mountPoint":"/srv/photos"}}}}},
      "nfs":{"mounts":{"m":{"mountPoint":"/srv/appdata/nas"}}}}},"modules":[]}
    """

  static func data(_ stack: String, _ folders: String...) -> StackData { StackData(stack: stack, folders: folders) }

  /// A machine with stacks, whose only data volume is `/srv/appdata`.
  struct Node {
    var machine: InstalledMachine
    var counter: UInt64 = 10
    var registry: Registry { machine.registry }
    init(_ stacks: [StackData]) async throws {
      machine = try await InstalledMachine(Registry())
      let names = try String(decoding: JSONEncoder().encode(stacks.map(\.stack)), as: UTF8.self)
      _ = try machine.registry.sql(
        "UPDATE machine SET choices = '\(DataRestoreTests.settings)', stacks = '\(names)' RETURNING id", as: Int.self)
      self.stacks = stacks
    }

    let stacks: [StackData]
    func request(losing: Bool = true) -> RebuildRequest {
      var request = RebuildRequest()
      (request.restore, request.stackData) = ("latest", stacks)
      if losing {
        request.replaceDisks = [.init(old: "SN1", new: "SN2")]
        request.loseData = ["SN1"]
      }
      return request
    }

    /// Rebuilds, with a new disk or on the old one, until the node has reported.
    mutating func rebuild(losing: Bool = true) async throws {
      let request = request(losing: losing)
      try await machine.rebuild { $0 = request }
      if losing { machine.hardware.disks.disks = [InstalledMachine.disk("SN2")] }
      let task = try #require(try await machine.boot().install)
      #expect((task.plan.volumeGroup.kept == nil) == losing)
      try await machine.agent.installed(
        registry, task: task.identifier,
        disks: losing ? [InstalledDisk(identifier: "ata-DISK_SN2", serial: "SN2")] : [InstalledMachine.record])
      counter = 0
    }

    /// Reports, and answers the task that the node is given, if it is given one.
    @discardableResult
    mutating func report(_ tasks: [NodeTaskReport] = []) async throws -> NodeTaskOrder? {
      counter += 1
      registry.pass(seconds: 5)
      return try await machine.agent.report(registry, counter: counter, tasks: tasks).task
    }

    /// The next task, once the appliance has had a report to think about.
    mutating func ask() async throws -> NodeTaskOrder? {
      if let order = try await report() { return order }
      return try await report()
    }

    mutating func answer(
      _ order: NodeTaskOrder, _ state: NodeTaskReport.State = .succeeded, output: String? = nil,
      messages: String? = nil, code: Int? = nil
    ) async throws -> NodeTaskOrder? {
      var told = NodeTaskReport(identifier: order.identifier, state: state)
      (told.output, told.messages) = (output, messages)
      told.exitCode = code ?? (state == .succeeded ? 0 : 1)
      let next = try await report([told])
      if let next { return next }
      return try await report()
    }

    func restore() async throws -> DataRestore { try #require(try await machine.machine().restore) }

    func stack(_ name: String) async throws -> StackRestore {
      try #require(try await restore().stacks.first { $0.stack == name })
    }
  }

  static let archives = """
    [ { "name" : "photos-20260101T023000Z-aa", "start" : "2026-01-01T03:30:00.000000" },
      { "name" : "photos-20260102T023000Z-bb", "start" : "2026-01-02T03:30:00.000000" },
      { "name" : "by-hand", "start" : "2026-01-03T03:30:00.000000" },
      { "name" : "photos-20990101T000000Z-cc", "start" : "2099-01-01T01:00:00.000000" } ]
    """
  static let outcomes = #"[{"stack":"photos","action":"started"}]"#

  private func restored(_ archive: String, isVerified: Bool = true) -> String {
    #"{"stack":"s","archive":"\#(archive)","ended":"2026-01-04T00:00:00Z","isTest":false,"hasSucceeded":true,"isVerified":\#(isVerified),"notes":[]}"#
  }

  @Test("the preview says of each stack what comes back from where, what is not restored, and what stays")
  func preview() async throws {
    let node = try await Node([
      Self.data("photos", "/srv/appdata/photos/data"), Self.data("git", "/srv/photos/git"),
      Self.data("files", "/srv/appdata/files/a", "/srv/appdata/nas/files"), Self.data("music", "/srv/appdata/music"),
      Self.data("wiki", "/srv/other/wiki"), Self.data("logs"),
    ])
    let preview = try await node.registry.fleet.previewRebuild("node1", node.request())
    let states = try #require(preview.restores).map(\.state)
    #expect(states == [.planned, .unseen, .survivedInPart, .notBackedUp, .planned, .nothing])
    for text in [
      "restored    photos: the latest archive of the repository nas, plan borg-per-service",
      "not known   git: the rebuild does not touch /srv/photos/git, and whether the data there is alive is not known",
      "NOT restored files: /srv/appdata/files/a is lost, and /srv/appdata/nas/files stays",
      "NOT restored music: no backup plan", "restored    wiki: the latest archive of the repository attic, plan own",
      "no restore  logs: it keeps nothing",
    ] { #expect(preview.text.contains(text), "\(preview.text)") }
    #expect(try await node.machine.machine().restore == nil)
  }

  @Test("where the pool stays, only what lay beside it comes back, and a lost pool without a wish is a note")
  func kept() async throws {
    let node = try await Node([Self.data("photos", "/srv/appdata/photos"), Self.data("wiki", "/srv/other/wiki")])
    let preview = try await node.registry.fleet.previewRebuild("node1", node.request(losing: false))
    #expect(preview.restores?.map(\.state) == [.survived, .planned])
    var plain = node.request()
    plain.restore = nil
    let without = try await node.registry.fleet.previewRebuild("node1", plain)
    #expect(without.restores == nil && without.notes.contains { $0.contains("add --restore latest") })
    var other = node.request()
    other.restore = "yesterday"
    let refused = await refusal { _ = try await node.registry.fleet.previewRebuild("node1", other) }
    #expect("\(try #require(refused))".contains("restore: 'yesterday' is not 'latest'"))
  }

  @Test("consent is for what the preview says of the data: where stacks changed since, nothing is armed")
  func consent() async throws {
    let node = try await Node([Self.data("photos", "/srv/appdata/photos")])
    var request = node.request()
    request.digest = try await node.registry.fleet.previewRebuild("node1", request).digest
    request.stackData = [Self.data("photos", "/srv/photos/photos")]
    #expect(
      "\(try #require(await refusal { _ = try await node.registry.fleet.rebuild("node1", request) }))".contains(
        "changed since"))
  }

  @Test("the stacks are brought up, then each comes back from its newest archive from before the rebuild")
  func course() async throws {
    var node = try await Node([
      Self.data("photos", "/srv/appdata/photos"), Self.data("wiki", "/srv/appdata/wiki"),
      Self.data("music", "/srv/appdata/music"),
    ])
    try await node.rebuild()
    #expect(try await node.restore().stacks.map(\.state) == [.waiting, .waiting, .notBackedUp])
    #expect(try await node.registry.fleet.tasks(of: "node1").isEmpty)
    let apply = try #require(try await node.ask())
    #expect(apply.task == .applyStacks)
    // Its own start of the stacks still works on them.
    #expect(
      try await node.answer(apply, .failed, messages: "another process works on the stacks; wait until it is done")
        == nil)
    node.registry.pass(seconds: 60)
    let again = try #require(try await node.ask())
    // One stack did not start: that is no reason for the others to wait.
    let list = try #require(try await node.answer(again, .failed, output: Self.outcomes))
    #expect(list.task == .listArchives(try StackName("photos"), plan: try BackupPlanName("borg-per-service")))
    let restore = try #require(try await node.answer(list, output: Self.archives))
    let archive = "photos-20260102T023000Z-bb"
    #expect(
      restore.task
        == .restore(try StackName("photos"), try ArchiveName(archive), plan: try BackupPlanName("borg-per-service")))
    #expect(try await node.stack("photos").text.contains("being restored from \(archive), made 2026-01-02T02:30:00Z"))
    let wiki = try #require(try await node.answer(restore, output: restored(archive)))
    #expect(try await node.stack("photos").state == .restored)
    #expect(
      try await node.stack("photos").text
        == "photos: is as in \(archive), made 2026-01-02T02:30:00Z; its verify hooks passed")
    let wikiRestore = try #require(
      try await node.answer(wiki, output: #"[{"name":"wiki-20260101T000000Z-1"}]"#))
    #expect(try await node.answer(wikiRestore, output: restored("wiki-20260101T000000Z-1", isVerified: false)) == nil)
    let end = try await node.restore()
    #expect(!end.isOpen && end.missing.map(\.stack) == ["music"] && end.standing == "data was NOT restored: music")
    let alarms = try await node.machine.texts("alarm")
    #expect(alarms.contains { $0.contains("music: NOT RESTORED: no backup plan") })
    #expect(try await node.report() == nil)
  }

  @Test("a restore that fails is an alarm, leaves the others going, and is settled by one that the operator asks for")
  func failed() async throws {
    var node = try await Node([Self.data("photos", "/srv/appdata/photos"), Self.data("wiki", "/srv/appdata/wiki")])
    try await node.rebuild()
    let apply = try #require(try await node.ask())
    let list = try #require(try await node.answer(apply, output: Self.outcomes))
    let restore = try #require(try await node.answer(list, output: Self.archives))
    let broken = restored("photos-20260102T023000Z-bb").replacing(
      "\"isTest\"", with: #""problem":"the archive is damaged","isTest""#)
    let wiki = try #require(try await node.answer(restore, .failed, output: broken))
    #expect(wiki.task == .listArchives(try StackName("wiki"), plan: try BackupPlanName("own")))
    #expect(try await node.stack("photos").text.contains("NOT RESTORED from photos-20260102T023000Z-bb"))
    // Nothing is there: asking again would change nothing.
    #expect(try await node.answer(wiki, .failed, messages: "holds no repository", code: 4) == nil)
    let end = try await node.restore()
    #expect(!end.isOpen && end.missing.map(\.stack) == ["photos", "wiki"])
    let alarms = try await node.machine.texts("alarm")
    #expect(alarms.contains { $0.contains("photos: NOT RESTORED") && $0.contains("the archive is damaged") })
    let advice = try #require(alarms.first { $0.contains("data was NOT restored: photos, wiki; to try again: ") })
    #expect(advice.contains("bootstead backup restore node1 photos --archive photos-20260102T023000Z-bb; "))
    #expect(advice.contains("bootstead backup restore node1 wiki --archive NAME, with one from before "))

    // Of the stack as it was empty: that is not what was lost.
    for archive in ["photos-20990101T000000Z-cc", "by-hand"] {
      let next = try await byHand(&node, "latest", restored(archive))
      #expect(next == nil)
      #expect(try await node.restore().missing.map(\.stack) == ["photos", "wiki"])
      #expect(try await node.stack("photos").reason?.hasPrefix("\(archive) was restored since then") == true)
    }
    _ = try await node.report()
    let later = try await node.machine.texts("alarm").filter { $0.contains("was restored since then") }
    #expect(later.count == 2 && later.allSatisfy { $0.contains("--archive photos-20260102T023000Z-bb") }, "\(later)")

    let next = try await byHand(&node, "latest", restored("photos-20260101T023000Z-aa"))
    #expect(next == nil)
    #expect(try await node.restore().missing.map(\.stack) == ["wiki"])
    #expect(try await node.stack("photos").archive == "photos-20260101T023000Z-aa")
  }

  /// The operator restores the photos.
  private func byHand(_ node: inout Node, _ archive: String, _ output: String) async throws -> NodeTaskOrder? {
    node.registry.pass(seconds: 100)
    var wanted = QueueTask(.restore(try StackName("photos"), try ArchiveName(archive), plan: nil))
    (wanted.consents, wanted.wantsJSON) = (true, true)
    _ = try await node.registry.fleet.queue(wanted, for: "node1")
    let order = try #require(try await node.report())
    return try await node.answer(order, output: output)
  }

  @Test("a repository that does not answer is asked again, and given up with its reason")
  func unreachable() async throws {
    var node = try await Node([Self.data("photos", "/srv/appdata/photos")])
    try await node.rebuild()
    let apply = try #require(try await node.ask())
    var order = try await node.answer(apply, output: Self.outcomes)
    var asked = 0
    while let list = order {
      asked += 1
      _ = try await node.answer(list, .failed, messages: "ssh: connect to host nas: No route to host")
      node.registry.pass(seconds: 60)
      order = try await node.ask()
    }
    #expect(asked == 5)
    #expect(try await node.stack("photos").reason == "ssh: connect to host nas: No route to host")
    #expect(try await node.stack("photos").state == .failed)
  }

  @Test("a restore that was cut off is begun again, with the same archive")
  func interrupted() async throws {
    var node = try await Node([Self.data("photos", "/srv/appdata/photos")])
    try await node.rebuild()
    let apply = try #require(try await node.ask())
    let list = try #require(try await node.answer(apply, output: Self.outcomes))
    let restore = try #require(try await node.answer(list, output: Self.archives))
    #expect(try await node.answer(restore, .interrupted) == nil)
    node.registry.pass(seconds: 60)
    let again = try #require(try await node.ask())
    #expect(again.task == restore.task && again.identifier != restore.identifier)
  }

  @Test("archives of after the rebuild hold nothing that was lost: without an older one nothing is restored")
  func onlyNew() async throws {
    var node = try await Node([Self.data("photos", "/srv/appdata/photos")])
    try await node.rebuild()
    let apply = try #require(try await node.ask())
    let list = try #require(try await node.answer(apply, output: Self.outcomes))
    #expect(try await node.answer(list, output: #"[{"name":"photos-20990101T000000Z-cc"}]"#) == nil)
    #expect(try await node.stack("photos").reason == "its repository holds no archive from before the rebuild")
  }

  @Test("where the pool was taken over untouched, nothing is queued, and it is said")
  func untouched() async throws {
    var node = try await Node([Self.data("photos", "/srv/appdata/photos")])
    try await node.rebuild(losing: false)
    let restore = try await node.restore()
    #expect(!restore.isOpen && restore.standing == "no data had to be restored")
    _ = try await node.report()
    #expect(try await node.report() == nil)
    #expect(try await node.registry.fleet.tasks(of: "node1").isEmpty)
    #expect(try await node.machine.texts().contains { $0.contains("the data of photos is where it was") })
  }

  @Test("a group that is there after all is taken over, and its data is not written over")
  func foundAgain() async throws {
    var node = try await Node([Self.data("photos", "/srv/appdata/photos")])
    var request = node.request()
    (request.replaceDisks, request.loseData) = ([], ["SN1"])
    let wanted = request
    try await node.machine.rebuild { $0 = wanted }
    #expect(try await node.restore().stacks.map(\.state) == [.planned])
    let task = try #require(try await node.machine.boot().install)
    #expect(task.plan.volumeGroup.kept != nil)
    try await node.machine.agent.installed(node.registry, task: task.identifier, disks: [InstalledMachine.record])
    #expect(try await node.restore().stacks.map(\.state) == [.survived])
  }

  @Test("a rebuild that nobody starts leaves no wish")
  func disarmed() async throws {
    let node = try await Node([Self.data("photos", "/srv/appdata/photos")])
    let request = node.request()
    try await node.machine.rebuild { $0 = request }
    #expect(try await node.restore().isOpen)
    node.registry.pass(seconds: 86_400 + 60)
    _ = try await node.registry.fleet.endOverdue(takeoverSilence: 600)
    #expect(try await node.machine.machine().restore == nil)
  }
}
