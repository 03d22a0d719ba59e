import ProgramRunner
import AgentProtocol
import DiskLayout
import Foundation
import HTTPConnection
import NodeAgent
import Synchronization
import Testing

/// The whole way of the agent against ``FakeAppliance``, with disks, copy and commands faked: what is tested is the
/// conversation and its order, not the tools.
@Suite("The agent in the installer", .timeLimit(.minutes(10)))
struct InstallerTests {
  let screen = Screen()

  func installer(
    _ appliance: FakeAppliance, _ endpoint: HTTPEndpoint, keys: AgentKeys, target: String,
    disks: FakeDisks? = nil, builder: FakeBuild? = nil, data: FakeData = FakeData(), wiper: FakeWiper = FakeWiper(),
    runner: FakeRunner = FakeRunner(), believed: SigningPublicKey? = nil,
    inventory: @escaping @Sendable () -> MachineInventory = { Sample.inventory }
  ) -> Installer {
    let overlay = BootOverlay(
      applianceURL: endpoint.description, appliancePublicKey: believed ?? appliance.key.publicKey,
      bootNonce: BootNonce(), machineName: "node1", mode: .install)
    return Installer(
      overlay: overlay, keys: keys,
      link: ApplianceLink(
        client: HTTPClient(endpoint: endpoint), appliance: overlay.appliancePublicKey, key: keys.agent),
      log: AgentLog(show: screen.show), disks: disks ?? FakeDisks(target: target), system: FakeCopy(), builder: builder,
      data: data,
      wiper: wiper, runner: runner, target: target, readInventory: inventory,
      pause: { _ in try await Task.sleep(for: .milliseconds(1)) })
  }

  @Test("an approved machine is installed, handed over and reported")
  func install() async throws {
    let folder = try TemporaryFolder()
    let keys = try AgentKeys()
    let sealed = Data(try AgentKeys.seal("hunter2", keys))
    let appliance = try FakeAppliance(tasks: [
      .wait(reason: "approval", seconds: 1), .install(try Sample.task(secrets: ["db.password": sealed])),
    ])
    let runner = FakeRunner()
    let disks = FakeDisks(target: folder.path)
    try await appliance.serve { endpoint in
      try await installer(appliance, endpoint, keys: keys, target: folder.path, disks: disks, runner: runner).run()
    }
    let code = try #require(appliance.code)
    #expect(screen.lines.contains("[node1 \(code)] code    \(code)"))
    #expect(screen.lines.contains("[node1 \(code)] waiting: approval"))
    let report = try #require(appliance.read(\.installed).first)
    #expect(appliance.read(\.installed).count == 1)
    #expect(report.task == "install-1")
    #expect(report.nodeKey == keys.node.publicKey)
    #expect(report.nodeRecipient == keys.identity.recipient)
    #expect(report.disks.first?.volumeGroupUUID == "group-uuid")
    #expect(report.closure == Sample.closure)
    #expect(disks.released == 1)
    #expect(appliance.read(\.progress).contains { $0.step == .finishing || $0.step == .handOff })
    #expect(runner.lines.contains { $0.hasSuffix("/bin/switch-to-configuration boot") })
    #expect(folder.mode("/var/lib/bootstead") == 0o700)
    #expect(folder.mode("/var/lib/bootstead/secrets/db.password.age") == 0o600)
    #expect(!screen.lines.joined().contains("SECRET"))
    #expect(!screen.lines.joined().contains("hunter2"))
  }

  @Test(
    "trouble on the network delays an install and changes nothing else",
    arguments: [
      (AgentPath.begin, FakeAppliance.Trouble.close), (AgentPath.begin, .unavailable), (AgentPath.begin, .wrongKey),
      (AgentPath.hello, .loseAnswer), (AgentPath.task, .close), (AgentPath.task, .unavailable),
      (AgentPath.task, .wrongKey), (AgentPath.task, .forgetSession), (AgentPath.installed, .close),
      (AgentPath.installed, .loseAnswer), (AgentPath.installed, .forgetSession), (AgentPath.installed, .unavailable),
      (AgentPath.progress, .close), (AgentPath.progress, .forgetSession),
    ])
  func trouble(path: String, trouble: FakeAppliance.Trouble) async throws {
    let folder = try TemporaryFolder()
    let keys = try AgentKeys()
    let appliance = try FakeAppliance(tasks: [.install(try Sample.task())])
    appliance.change { $0.troubles[path] = [trouble, trouble] }
    let disks = FakeDisks(target: folder.path)
    try await appliance.serve { endpoint in
      try await installer(appliance, endpoint, keys: keys, target: folder.path, disks: disks).run()
    }
    let reports = Set(appliance.read(\.installed))
    #expect(reports.count == 1)
    #expect(appliance.read(\.failed).isEmpty)
    #expect(Set(appliance.read(\.hellos).map(\.agentKey)) == [keys.agent.publicKey])
    #expect(disks.released == 1)
  }

  @Test("a failed install is reported with its log; the agent stays, sends a new inventory and tries again when told")
  func failure() async throws {
    let folder = try TemporaryFolder()
    let appliance = try FakeAppliance(tasks: [
      .install(try Sample.task()), .wait(reason: "failed", seconds: 1), .install(try Sample.task()),
    ])
    let keys = try AgentKeys()
    try await appliance.serve { endpoint in
      try await installer(
        appliance, endpoint, keys: keys, target: folder.path, disks: FakeDisks(target: folder.path, failures: 1),
        inventory: Sample.changingInventory()
      ).run()
    }
    let failed = try #require(appliance.read(\.failed).first)
    #expect(appliance.read(\.failed).count == 1)
    #expect(failed.step == .disks)
    #expect(failed.error == "the disk said no")
    #expect(failed.logLines.contains { $0.contains("the disk said no") })
    #expect(appliance.read(\.inventories) == 1)
    #expect(appliance.read(\.installed).count == 1)
  }

  @Test("a boot loader that can not be installed is a failure of that step")
  func bootLoaderFailure() async throws {
    let folder = try TemporaryFolder()
    let appliance = try FakeAppliance(tasks: [.install(try Sample.task()), .reboot])
    let runner = FakeRunner { command throws(CommandFailure) in
      if "\(command)".contains("switch-to-configuration") {
        throw CommandFailure(command: "\(command)", ending: .exited(1), lastLines: ["no space left"])
      }
      return CommandOutput()
    }
    let keys = try AgentKeys()
    try await appliance.serve { endpoint in
      try await installer(appliance, endpoint, keys: keys, target: folder.path, runner: runner).run()
    }
    #expect(appliance.read(\.failed).first?.step == .bootLoader)
    #expect(appliance.read(\.failed).first?.error.contains("no space left") == true)
    #expect(appliance.read(\.installed).isEmpty)
  }

  static let rebuild = RebuildTask(volumeGroupUUID: "group-uuid", disks: [])

  @Test("a rebuild has the disks' state saved first, and reports the data before and after")
  func rebuild() async throws {
    let folder = try TemporaryFolder()
    let keys = try AgentKeys()
    let appliance = try FakeAppliance(tasks: [.install(try Sample.task(rebuild: Self.rebuild))])
    appliance.change { $0.troubles[AgentPath.saved] = [.unavailable, .close, .forgetSession] }
    let (data, disks) = (FakeData(), FakeDisks(target: folder.path))
    try await appliance.serve { endpoint in
      try await installer(appliance, endpoint, keys: keys, target: folder.path, disks: disks, data: data).run()
    }
    #expect(data.calls.withLock { $0 } == ["prepare", "fingerprints"])
    #expect(appliance.read(\.saved).map(\.fingerprints) == [FakeData.prints])
    let report = try #require(appliance.read(\.installed).first)
    #expect(report.before == FakeData.prints && report.after == FakeData.prints)
    #expect(report.disks.first?.serial == "DISK1")
    #expect(screen.lines.contains { $0.contains("volume photos: unchanged") })
    let paths = appliance.read(\.paths)
    let (saved, installed) = (paths.lastIndex(of: AgentPath.saved), paths.firstIndex(of: AgentPath.installed))
    #expect(try #require(saved) < #require(installed))
  }

  @Test("a rebuild whose machine is not as recorded fails at the comparison, before any disk is touched")
  func refusedRebuild() async throws {
    let appliance = try FakeAppliance(tasks: [.install(try Sample.task(rebuild: Self.rebuild)), .reboot])
    let keys = try AgentKeys()
    let refusal = RebuildRefusal.differences([
      RecordDifference(subject: "disk X", expected: "serial number A", found: "serial number B")
    ])
    let disks = FakeDisks(target: "/nonexistent")
    try await appliance.serve { endpoint in
      try await installer(
        appliance, endpoint, keys: keys, target: "/nonexistent", disks: disks, data: FakeData(refusal: refusal)
      ).run()
    }
    let failed = try #require(appliance.read(\.failed).first)
    #expect(failed.step == .comparison)
    #expect(failed.error.contains("disk X: expected serial number A, found serial number B"))
    #expect(disks.prepared == 0 && appliance.read(\.saved).isEmpty)
  }

  @Test("disks are erased as the task says, and a refusal is reported")
  func wipe() async throws {
    let task = WipeTask(identifier: "wipe-1", disks: [WipeDisk(identifier: "virtio-DISK1", serial: "DISK1")])
    let keys = try AgentKeys()
    for refusal in [nil, WipeRefusal.otherSerial(disk: "virtio-DISK1", expected: "DISK1", found: "DISK2")] {
      let appliance = try FakeAppliance(tasks: [.wipe(task), .reboot])
      try await appliance.serve { endpoint in
        try await installer(
          appliance, endpoint, keys: keys, target: "/nonexistent", wiper: FakeWiper(refusal: refusal)
        ).run()
      }
      let done = WipedReport(task: "wipe-1", disks: ["virtio-DISK1": "discard"])
      #expect(appliance.read(\.wiped) == (refusal == nil ? [done] : []))
      #expect(appliance.read(\.failed).map(\.error) == (refusal.map { ["\($0)"] } ?? []))
    }
  }

  @Test("an appliance that opens another nonce than it committed to gets nothing but hellos")
  func lyingAppliance() async throws {
    let appliance = try FakeAppliance(tasks: [.install(try Sample.task())])
    appliance.change { $0.openedNonce = ClaimNonce() }
    try await neverInstalls(appliance, believed: nil, saying: "another nonce than it had committed to")
  }

  @Test("answers that the appliance did not sign are not believed")
  func forgedAnswers() async throws {
    let appliance = try FakeAppliance(tasks: [.install(try Sample.task())])
    let other = try SigningPrivateKey().publicKey
    try await neverInstalls(appliance, believed: other, saying: "the answer did not come from the appliance")
  }

  private func neverInstalls(_ appliance: FakeAppliance, believed: SigningPublicKey?, saying: String) async throws {
    let folder = try TemporaryFolder()
    let target = folder.path
    let keys = try AgentKeys()
    try await appliance.serve { endpoint in
      let task = Task {
        try await installer(appliance, endpoint, keys: keys, target: target, believed: believed).run()
      }
      while screen.lines.filter({ $0.contains(saying) }).count < 3 { try await Task.sleep(for: .milliseconds(2)) }
      task.cancel()
      _ = await task.result
    }
    #expect(!appliance.read(\.paths).contains(AgentPath.task))
    #expect(!screen.lines.contains { $0.contains("code    ") })
    #expect(folder.mode("/var") == nil)
  }

  @Test("a machine that changes while it waits is told to the appliance, one that does not is not")
  func changedInventory() async throws {
    for (inventory, expected) in [({ @Sendable in Sample.inventory }, 0), (Sample.changingInventory(), 1)] {
      let appliance = try FakeAppliance(tasks: [.wait(reason: "approval", seconds: 20), .reboot])
      let keys = try AgentKeys()
      try await appliance.serve { endpoint in
        try await installer(appliance, endpoint, keys: keys, target: "/nonexistent", inventory: inventory).run()
      }
      #expect(appliance.read(\.inventories) == expected)
    }
  }

  @Test("told to restart, the agent ends")
  func restart() async throws {
    let appliance = try FakeAppliance(tasks: [.inventoryOnly, .refuse(reason: "not yours"), .reboot])
    let keys = try AgentKeys()
    try await appliance.serve { endpoint in
      try await installer(appliance, endpoint, keys: keys, target: "/nonexistent").run()
    }
    #expect(screen.lines.contains { $0.contains("nothing on this machine was changed") })
    #expect(screen.lines.contains { $0.contains("not yours") })
    #expect(appliance.read(\.progress).isEmpty)
  }
}

extension AgentKeys {
  /// A secret as the appliance seals it for these keys.
  static func seal(_ secret: String, _ keys: AgentKeys) throws -> [UInt8] {
    try AgeFile.seal(Array(secret.utf8), to: keys.identity.recipient)
  }
}
