import AgentProtocol
import Fleet
import Testing

/// Stacks on disks that a rebuild does not touch: nobody has looked at them when it ends.
@Suite("Data that a rebuild does not look at")
struct UnseenDataTests {
  private func looked(_ outcome: String) async throws -> (DataRestoreTests.Node, NodeTaskOrder?) {
    // On a ZFS pool, and in a backup plan.
    var node = try await DataRestoreTests.Node([DataRestoreTests.data("git", "/srv/photos/git", "/srv/photos/keys")])
    try await node.rebuild()
    #expect(try await node.restore().isOpen)
    #expect(
      try await node.stack("git").text.hasPrefix("git: not known yet, as the rebuild does not touch /srv/photos/git"))
    #expect(try await !node.machine.texts().contains { $0.contains("is where it was") })
    let apply = try #require(try await node.ask())
    #expect(apply.task == .applyStacks)
    let next = try await node.answer(apply, .failed, output: "[\(outcome)]")
    return (node, next)
  }

  @Test("folders that the node had to make were gone: they come back")
  func gone() async throws {
    let (node, list) = try await looked(
      #"{"stack":"git","action":"started","made":["/srv/photos/git","/srv/photos/keys"]}"#)
    #expect(list?.task == .listArchives(try StackName("git"), plan: try BackupPlanName("borg-per-service")))
    #expect(try await node.stack("git").state == .listing)
  }

  @Test("folders that were there stay, and nothing is restored over them")
  func there() async throws {
    let (node, next) = try await looked(#"{"stack":"git","action":"started","made":[]}"#)
    #expect(next == nil)
    #expect(try await node.stack("git").state == .survived)
    #expect(try await node.restore().standing == "no data had to be restored")
  }

  @Test("where some were gone, the operator decides")
  func inPart() async throws {
    let (node, next) = try await looked(#"{"stack":"git","action":"started","made":["/srv/photos/keys"]}"#)
    #expect(next == nil)
    #expect(try await node.stack("git").state == .survivedInPart)
    #expect(
      try await node.stack("git").reason?.hasPrefix("/srv/photos/keys is lost, and /srv/photos/git stays") == true)
  }

  @Test(
    "where the node can not say, that is an alarm, with what to do once it is clear",
    arguments: [
      #"{"stack":"git","action":"failed","problem":"/srv/photos is not mounted (lode/p)","made":[]}"#,
      #"{"stack":"git","action":"started"}"#, #"{"stack":"other","action":"started","made":[]}"#,
    ])
  func unknown(outcome: String) async throws {
    let (node, next) = try await looked(outcome)
    #expect(next == nil)
    #expect(try await node.stack("git").state == .unknown)
    #expect(try await node.restore().missing.map(\.stack) == ["git"])
    let alarms = try await node.machine.texts("alarm")
    #expect(alarms.contains { $0.contains("git: NOT RESTORED, and not known whether its data is there: ") })
    if outcome.contains("lode/p") { #expect(alarms.contains { $0.contains("/srv/photos is not mounted (lode/p)") }) }
    #expect(alarms.contains { $0.contains("bootstead backup restore node1 git --archive NAME, with one from before") })
  }
}
