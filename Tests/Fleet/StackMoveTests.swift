import AgentProtocol
import DiskLayout
import Fleet
import Foundation
import NetworkAddress
import Testing

@Suite("Stacks that move to another machine", .timeLimit(.minutes(10)))
struct StackMoveTests {
  @Test("the plan says what is copied, what is not, by which repository, and which names and secrets go along")
  func plan() async throws {
    var pair = try await Pair()
    pair.here = Self.side("/srv/appdata/photos", "/srv/cache", names: ["photos.lan.example", "photos.old.example"])
    pair.there = Self.side("/srv/photos", "/srv/cache", names: ["photos.lan.example", "photos.new.example"])
    let text = try await pair.plan().text
    for part in [
      "copies      /srv/appdata/photos", "LEAVES      /srv/cache",
      "the repository nas, \(Self.url): plan borg-per-service of node1, plan borg-per-service of node2",
      "secret      node2 gets 'borg-photos'", "secret      node2 gets 'photos-key'",
      "photos.lan.example leads to node2\n", "photos.new.example leads to node2, new",
      "photos.old.example leads nowhere any more", "the data on node1, until you remove it",
    ] { #expect(text.contains(part), "\(part): \(text)") }
    #expect(try await pair.fleet.moves().isEmpty)
    #expect(try await pair.fleet.secrets(of: "node2").map(\.name) == ["borg-key"])
  }

  @Test(
    "what stands against a move is said, and nothing is begun",
    arguments: [
      ("UPDATE machine SET stacks = '[]'", "node1 does not have it"),
      ("UPDATE machine SET stacks = '[\"photos\"]'", "node2 has a stack of that name already"),
      ("UPDATE machine SET state = 'failed' WHERE name = 'node2'", "node2 is failed"),
      (
        "UPDATE machine SET choices = '\(choices("ssh://other@nas/./x"))' WHERE name = 'node2'",
        "no plan of node2 with the design borg-per-service has a repository with that URL: it has ssh://other@nas/./x"
      ),
      ("UPDATE machine SET choices = '{\"settings\":{},\"modules\":[]}'", "nothing can carry its data"),
      (
        "UPDATE machine SET choices = '\(choices(more: ",\"encryption\":\"keyfile-blake2\""))'",
        "is a file on node1, which node2 does not have"
      ),
      (
        "UPDATE machine SET choices = '\(choices(more: ",\"stacks\":[\"other\"]"))' WHERE name = 'node2'",
        "no plan of node2"
      ),
      (
        "UPDATE machine SET choices = '\(choices(more: ",\"classes\":[\"db\"]"))' WHERE name = 'node1'",
        "does not copy /srv/appdata/photos: its classes leave out appdata"
      ),
      ("DELETE FROM secret WHERE name = 'borg-photos'", "no value of the secret 'borg-photos' is stored"),
      (
        "DELETE FROM secret WHERE machine = (SELECT id FROM machine WHERE name = 'node2')",
        "node2 has no secret 'borg-key', which opens the way to nas"
      ),
      (
        "INSERT INTO secret (machine, name, value, revision) SELECT id, 'photos-key', 'other', '1' FROM machine WHERE name = 'node2'",
        "node2 has another secret 'photos-key' than node1"
      ),
      ("UPDATE machine SET trust = NULL WHERE name = 'node2'", "nobody compared the code of node2"),
    ])
  func refusals(change: String, mention: String) async throws {
    let pair = try await Pair()
    _ = try pair.registry.sql(
      change + (change.hasPrefix("UPDATE machine") ? " RETURNING id" : " RETURNING machine"), as: Int.self)
    let refused = await said { _ = try await pair.plan() }
    #expect(refused.contains(mention) && refused.contains("nothing was changed"), "\(refused)")
    #expect(await refusal { _ = try await pair.begin() } != nil)
    #expect(try await pair.fleet.moves().isEmpty)
  }

  @Test("consent is for the plan that was seen, and one stack moves once at a time")
  func consent() async throws {
    var pair = try await Pair()
    var request = pair.request()
    request.digest = try await pair.plan().digest
    let declared = try await pair.fleet.declaredStacks(of: "node2").choices
    let other = Self.side("/srv/appdata/photos", "/srv/appdata/more")
    let seen = request
    let unseen = await said {
      _ = try await pair.fleet.beginMove(seen, here: other, there: other, declared: declared)
    }
    #expect(unseen.contains("changed since"), "\(unseen)")
    _ = try await pair.begin()
    let twice = await said { _ = try await pair.plan() }
    #expect(twice.contains("on its way already"), "\(twice)")
    #expect(try await pair.ask("node1")?.task == .stack(.stop, try StackTarget("photos")))
  }

  @Test(
    "it is stopped, copied, declared, restored from that very archive and verified; the old data stays and is named")
  func course() async throws {
    var pair = try await Pair()
    let begun = try await pair.begin()
    let (photos, plan) = (try StackName("photos"), try BackupPlanName("borg-per-service"))
    #expect(try await pair.report("node2") == nil)
    let stop = try #require(try await pair.ask("node1"))
    #expect(stop.task == .stack(.stop, StackTarget(photos)))
    let copy = try #require(try await pair.answer("node1", stop))
    #expect(copy.task == .backUp(plan, [photos]))
    #expect(try await pair.answer("node1", copy, output: Self.backup) == nil)
    let copied = try await pair.fleet.move(begun.identifier)
    #expect(copied.state == .copied && copied.archive == Self.archive && copied.bytes == 4096)
    #expect(copied.next == "bootstead stack move photos --from node1 --to node2 -f DIR")
    // Only what is declared goes on.
    #expect(await refusal { _ = try await pair.fleet.noteDeclared(begun.identifier) } is FleetError)
    #expect(try await pair.fleet.secrets(of: "node2").map(\.name) == ["borg-key"])
    try pair.declare()
    #expect(try await pair.fleet.noteDeclared(begun.identifier).state == .waiting)
    #expect(try await pair.fleet.secrets(of: "node2").map(\.name) == ["borg-key", "borg-photos", "photos-key"])
    #expect(
      try pair.registry.sql("SELECT count(DISTINCT value) FROM secret WHERE name = 'photos-key'", as: Int.self) == [1])
    #expect(try await pair.ask("node2") == nil)
    #expect(
      try await pair.fleet.machine("node2").moves.first?.standing.contains("bootstead build node2 node1") == true)

    pair.systems["node2"] = Registry.closure + "-2"
    let apply = try #require(try await pair.ask("node2"))
    #expect(apply.task == .applyStacks)
    let list = try #require(try await pair.answer("node2", apply, output: Self.started))
    #expect(list.task == .listArchives(photos, plan: plan))
    let restore = try #require(try await pair.answer("node2", list, output: Self.listed))
    #expect(restore.task == .restore(photos, try ArchiveName(Self.archive), plan: plan))
    #expect(try await pair.answer("node2", restore, output: Self.restored) == nil)
    let runs = try await pair.fleet.move(begun.identifier)
    #expect(runs.state == .restored && runs.next == "bootstead build node1, then bootstead apply node1")
    #expect(await refusal { _ = try await pair.fleet.abortMove(begun.identifier) } is FleetError)
    #expect(try await pair.ask("node1") == nil)
    pair.systems["node1"] = Registry.closure + "-1"
    #expect(try await pair.ask("node1") == nil)
    let moved = try await pair.fleet.move(begun.identifier)
    #expect(moved.state == .moved && moved.isVerified == true)
    for part in [
      "its verify hooks passed; kept beside; node1 keeps its data in /srv/appdata/photos",
      "on node1, 'bootstead-agent stacks remove photos --keep-data'",
    ] { #expect(moved.standing.contains(part), "\(moved.standing)") }
    #expect(try await pair.fleet.machine("node1").moves.isEmpty)
    #expect(try await pair.first.texts().contains(moved.standing))
  }

  @Test("what can not be stopped or copied is started where it is, and nothing was declared", arguments: [false, true])
  func failsAtTheSource(isCopy: Bool) async throws {
    var pair = try await Pair()
    let move = try await pair.begin()
    var order = try #require(try await pair.ask("node1"))
    if isCopy { order = try #require(try await pair.answer("node1", order)) }
    let failed = #"[{"stack":"photos","outcome":"failed","archive":"\#(Self.archive)","problem":"the pool is full"}]"#
    let start = try #require(
      try await pair.answer("node1", order, .failed, output: isCopy ? failed : nil, messages: "no\nthe pool is full"))
    #expect(start.task == .stack(.start, try StackTarget("photos")))
    let ended = try await pair.fleet.move(move.identifier)
    #expect(ended.state == .failed && ended.standing.contains("was not moved: the pool is full"), "\(ended.standing)")
    #expect(try await pair.first.texts("alarm").contains(ended.standing))
    #expect(try await pair.answer("node1", start) == nil)
    #expect(try await pair.plan().stack == "photos")
  }

  @Test("a copy that was cut off is made again, three times at most")
  func cutOff() async throws {
    var pair = try await Pair()
    let move = try await pair.begin()
    let stop = try #require(try await pair.ask("node1"))
    var order = try await pair.answer("node1", stop)
    var copies = 0
    while let copy = order, case .backUp = copy.task {
      copies += 1
      order = try await pair.answer("node1", copy, .interrupted)
      if order == nil {
        pair.registry.pass(seconds: 60)
        order = try await pair.ask("node1")
      }
    }
    #expect(copies == 3 && order?.task == .stack(.start, try StackTarget("photos")))
    #expect(try await pair.fleet.move(move.identifier).state == .failed)
  }

  @Test("a restore that fails stands still with its reason and the way back, and goes on when it is told to")
  func held() async throws {
    var pair = try await Pair()
    let (move, apply) = try await pair.changed()
    let list = try #require(try await pair.answer("node2", apply, .failed, output: Self.started))
    let restore = try #require(try await pair.answer("node2", list, output: Self.listed))
    let problem = #"{"stack":"photos","isVerified":false,"problem":"the archive is damaged"}"#
    #expect(try await pair.answer("node2", restore, .failed, output: problem) == nil)
    let held = try await pair.fleet.move(move.identifier)
    for part in ["STANDS STILL; node1 keeps its data", "the archive is damaged", "--abort"] {
      #expect(held.isHeld && held.standing.contains(part), "\(held.standing)")
    }
    #expect(try await pair.first.texts("alarm").contains(held.standing))
    #expect(try await pair.fleet.continueMove(move.identifier).isHeld == false)
    let again = try #require(try await pair.ask("node2"))
    #expect(again.task == restore.task && again.identifier != restore.identifier)
    _ = try await pair.answer("node2", again, output: Self.restored)
    #expect(try await pair.fleet.move(move.identifier).state == .restored)
  }

  @Test("an archive that the target does not see is asked for again, and then the move stands still")
  func unseen() async throws {
    var pair = try await Pair()
    let (move, apply) = try await pair.changed()
    var order = try await pair.answer("node2", apply, output: Self.started)
    var asked = 0
    while let list = order {
      asked += 1
      _ = try await pair.answer("node2", list, output: "[]")
      pair.registry.pass(seconds: 60)
      order = try await pair.ask("node2")
    }
    let held = try await pair.fleet.move(move.identifier)
    #expect(asked == 5 && held.isHeld && held.standing.contains("does not hold \(Self.archive)"), "\(held.standing)")
  }

  @Test(
    "a new system without the stack is not the one that is waited for",
    arguments: ["[]", #"[{"stack":"photos","action":"leftover"}]"#])
  func anotherSystem(outcomes: String) async throws {
    var pair = try await Pair()
    let (move, apply) = try await pair.changed()
    #expect(try await pair.answer("node2", apply, output: outcomes) == nil)
    #expect(try await pair.fleet.move(move.identifier).state == .waiting)
    pair.systems["node2"] = Registry.closure + "-3"
    #expect(try await pair.ask("node2")?.task == .applyStacks)
  }

  @Test("what lies on NFS that both mount is not copied: it stops here and starts there")
  func shared() async throws {
    var pair = try await Pair()
    pair.here = Self.side("/srv/nas/photos")
    pair.there = pair.here
    #expect(try await pair.plan().text.contains("shares      /srv/nas/photos"))
    let move = try await pair.begin()
    let stop = try #require(try await pair.ask("node1"))
    #expect(try await pair.answer("node1", stop) == nil)
    try pair.declare()
    _ = try await pair.fleet.noteDeclared(move.identifier)
    pair.systems["node2"] = Registry.closure + "-2"
    let apply = try #require(try await pair.ask("node2"))
    #expect(try await pair.answer("node2", apply, output: Self.started) == nil)
    #expect(try await pair.fleet.move(move.identifier).state == .restored)
    // The same folder of another export is another place; and of both kinds, a restore would bring back both.
    var other = try await Pair()
    try other.sql("UPDATE machine SET choices = '\(Self.choices(nfs: "nas:/other"))' WHERE name = 'node2'")
    (other.here, other.there) = (pair.here, pair.here)
    #expect(try await other.plan().text.contains("copies      /srv/nas/photos"))
    pair = try await Pair()
    pair.here = Self.side("/srv/nas/photos", "/srv/appdata/db")
    pair.there = pair.here
    let mixed = await said { _ = try await pair.plan() }
    #expect(mixed.contains("bring back both"), "\(mixed)")
  }

  @Test("taken back before it is declared, it starts where it is, whatever the node was at")
  func abortEarly() async throws {
    var pair = try await Pair()
    let move = try await pair.begin()
    let stop = try #require(try await pair.ask("node1"))
    #expect(try await pair.fleet.abortMove(move.identifier).state == .aborted)
    let start = try #require(try await pair.answer("node1", stop))
    #expect(start.task == .stack(.start, try StackTarget("photos")))
    #expect(try await pair.answer("node1", start) == nil)
    #expect(await refusal { _ = try await pair.fleet.abortMove(move.identifier) } is FleetError)
  }

  @Test("taken back later, the declaration has to have it back, and the target stops what it began")
  func abortLate() async throws {
    var pair = try await Pair()
    let (move, apply) = try await pair.changed()
    let declared = await said { _ = try await pair.fleet.abortMove(move.identifier) }
    #expect(declared.contains("--abort gives it back"), "\(declared)")
    try pair.declare(back: true)
    let busy = await said { _ = try await pair.fleet.abortMove(move.identifier) }
    #expect(busy.contains("node2 works on it"), "\(busy)")
    _ = try await pair.report("node2", [NodeTaskReport(identifier: apply.identifier, state: .failed)])
    #expect(try await pair.fleet.move(move.identifier).isHeld)
    #expect(try await pair.fleet.abortMove(move.identifier).standing.contains("was taken back"))
    #expect(try await pair.ask("node2")?.task == .stack(.stop, try StackTarget("photos")))
    #expect(try await pair.ask("node1")?.task == .stack(.start, try StackTarget("photos")))
  }

  /// The refusal; nothing where there was none.
  private func said(_ work: () async throws -> Void) async -> String { await refusal(work).map { "\($0)" } ?? "" }
}
