import Foundation
import NodeWork
import ProgramRunner
import StackSet
import Synchronization
import Testing

/// The client is played: neither Debian nor this project has it. What is shown is what it is called with.
@Suite("Proxmox Backup Server")
struct ProxmoxTests {
  private func scene(retention: String = #"{"last":3,"daily":7,"weekly":0,"monthly":0,"yearly":0}"#) throws -> (
    BackupScene, RealTools, BackupConfiguration
  ) {
    let scene = try BackupScene()
    try scene.write("token-secret\n", to: "password")
    let paths = ["srv/photos", "srv/stacks"].map { "\"\(scene.node.file($0))\"" }.joined(separator: ",")
    try scene.write("x", to: "srv/stacks/photos/compose.yaml")
    let configuration = try scene.configuration(
      design: "pbs", tier: 0, settings: #"{"paths":[\#(paths)],"namespace":"house","retention":\#(retention)}"#,
      stacks: [],
      repository: #"{"type":"pbs","url":"backup@pbs!node1@pbs.example.com:store","hostKey":"aa:bb","#
        + #""environmentFiles":{"PBS_PASSWORD":"\#(scene.node.file("password"))"}}"#)
    return (scene, RealTools(scene.node, mountsAll: false), configuration)
  }

  private func calls(_ tools: RealTools) -> [Command] {
    tools.commands.filter { $0.program == "proxmox-backup-client" }
  }

  @Test("One snapshot with an archive for each folder, then the retention; the password is in no command line")
  func backup() async throws {
    let (scene, tools, configuration) = try scene()
    let results = try await scene.engine(tools).run(plan: "pbs", configuration: configuration)
    #expect(results.allSatisfy { $0.outcome == .succeeded }, "\(results)")
    #expect(results.map(\.stack) == [scene.node.file("srv/photos"), scene.node.file("srv/stacks"), "photos"])
    let calls = calls(tools)
    #expect(calls.map { $0.arguments[0] } == ["backup", "prune"])
    let label = scene.node.file("srv/photos").dropFirst().replacing("/", with: "-").replacing(".", with: "_")
    #expect(calls[0].arguments[1].hasPrefix(label + ".pxar:"))
    #expect(calls[0].arguments[1].hasSuffix(scene.node.file("srv/photos")))
    let line = "\(calls[0])"
    #expect(line.contains("--backup-type host --backup-id node1 --backup-time "))
    #expect(line.contains("--all-file-systems true"))
    #expect(line.hasSuffix("--repository backup@pbs!node1@pbs.example.com:store --ns house"))
    #expect(
      "\(calls[1])".contains("prune host/node1 --keep-last 3 --keep-daily 7 --repository backup@pbs!node1"),
      "\(calls[1])")
    for call in calls {
      #expect(call.environment["PBS_PASSWORD_FILE"] == scene.node.file("password"))
      #expect(call.environment["PBS_FINGERPRINT"] == "aa:bb")
      #expect(!call.environment.values.contains { $0.contains("token-secret") })
    }
    scene.expectClean()
    #expect(try await scene.coverage("photos", configuration).newest["0"] != nil)
  }

  @Test("A server that refuses is no success, and nothing is pruned then")
  func refused() async throws {
    let (scene, tools, configuration) = try scene()
    tools.proxmox.withLock { $0["backup"] = CommandOutput(standardError: "Error: authentication failed", code: 255) }
    let results = try await scene.engine(tools).run(plan: "pbs", configuration: configuration)
    #expect(results.allSatisfy { $0.outcome == .failed && $0.archive == nil })
    #expect(results[0].problem?.contains("authentication failed") == true)
    #expect(calls(tools).map { $0.arguments[0] } == ["backup"])
    scene.expectClean()
  }

  @Test("What was copied but not pruned is there and is failed; without rules nothing is pruned")
  func prune() async throws {
    let (scene, tools, configuration) = try scene()
    tools.proxmox.withLock { $0["prune"] = CommandOutput(standardError: "Error: permission check failed", code: 255) }
    let results = try await scene.engine(tools).run(plan: "pbs", configuration: configuration)
    #expect(results.allSatisfy { $0.outcome == .failed && $0.archive != nil }, "\(results)")
    #expect(results[0].problem?.contains("permission check failed") == true)
    let (other, free, everything) = try self.scene(
      retention: #"{"last":0,"daily":0,"weekly":0,"monthly":0,"yearly":0}"#)
    #expect(
      try await other.engine(free).run(plan: "pbs", configuration: everything).allSatisfy { $0.outcome == .succeeded })
    #expect(calls(free).count == 1)
  }

  @Test("A folder that is missing fails alone")
  func missing() async throws {
    let (scene, tools, configuration) = try scene()
    try FileManager.default.removeItem(atPath: scene.node.file("srv/stacks"))
    let results = try await scene.engine(tools).run(plan: "pbs", configuration: configuration)
    #expect(results.map(\.outcome) == [.succeeded, .failed, .succeeded], "\(results)")
    #expect(calls(tools)[0].arguments.filter { $0.contains(".pxar:") }.count == 1)
  }

  @Test("A password that was not laid down is named before anything is done")
  func secret() async throws {
    let (scene, tools, configuration) = try scene()
    try FileManager.default.removeItem(atPath: scene.node.file("password"))
    let results = try await scene.engine(tools).run(plan: "pbs", configuration: configuration)
    #expect(results.allSatisfy { $0.outcome == .failed })
    #expect(results[0].problem?.contains("the secret PBS_PASSWORD") == true)
    #expect(calls(tools).isEmpty)
  }
}
