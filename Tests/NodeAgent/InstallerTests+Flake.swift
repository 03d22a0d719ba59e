import AgentProtocol
import Foundation
import NodeAgent
import Synchronization
import Testing

extension InstallerTests {
  static let flake = InstallFlake(path: "/flake/node1.tar.gz", digest: "d", size: 1, identity: "f")

  @Test("a system is built from its flake, which is there before a disk is touched, and handed over as a copied one")
  func flake() async throws {
    let folder = try TemporaryFolder()
    let keys = try AgentKeys()
    let appliance = try FakeAppliance(tasks: [.install(try Sample.task(flake: Self.flake))])
    let (runner, disks, build) = (FakeRunner(), FakeDisks(target: folder.path), FakeBuild())
    try await appliance.serve { endpoint in
      try await installer(
        appliance, endpoint, keys: keys, target: folder.path, disks: disks, builder: build, runner: runner
      ).run()
    }
    #expect(build.calls.withLock { $0 } == ["fetch /flake/node1.tar.gz", "install node1 \(folder.path)"])
    let report = try #require(appliance.read(\.installed).first)
    #expect(report.closure == FakeBuild.closure && report.flake == "f" && disks.released == 1)
    #expect(folder.mode("/var/lib/bootstead/machine.json") == 0o600)
    // Its boot loader came with nixos-install.
    #expect(!runner.lines.contains { $0.contains("switch-to-configuration") })
    let lines = screen.lines
    let fetched = try #require(lines.firstIndex { $0.contains("fetching the flake") })
    let laidOut = try #require(lines.firstIndex { $0.contains("laying out") })
    let built = try #require(lines.firstIndex { $0.contains("building 300") })
    let handed = try #require(lines.firstIndex { $0.contains("hand-off") })
    #expect(fetched < laidOut && laidOut < built && built < handed)
  }

  @Test(
    "a flake that does not come leaves the disks alone; a build that fails is reported with its last 200 lines",
    arguments: ["fetch", "install", nil])
  func flakeFailure(failsAt: String?) async throws {
    let folder = try TemporaryFolder()
    let keys = try AgentKeys()
    let appliance = try FakeAppliance(tasks: [.install(try Sample.task(flake: Self.flake)), .reboot])
    let disks = FakeDisks(target: folder.path)
    try await appliance.serve { endpoint in
      try await installer(
        appliance, endpoint, keys: keys, target: folder.path, disks: disks,
        builder: failsAt.map { FakeBuild(failsAt: $0) }
      ).run()
    }
    let failed = try #require(appliance.read(\.failed).first)
    #expect(failed.step == .closure && appliance.read(\.installed).isEmpty)
    if failsAt == "install" {
      #expect(disks.prepared == 1 && failed.error == "no space left" && failed.logLines.count == 200)
      #expect(failed.logLines.contains("building 300") && !failed.logLines.contains("building 1"))
    } else {
      #expect(disks.prepared == 0)
      #expect(failed.error.contains(failsAt == nil ? "this image has no nixos-install" : "no flake"))
    }
  }
}
