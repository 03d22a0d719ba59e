import Foundation
import Lab
import Testing

extension RealMachines {
  @Suite("Snapshots and backups on a node") struct NodeWorkTests {
    @Test(
      "on LVM thin volumes: a rollback, a backup while somebody writes, and one whose agent is killed",
      .enabled(if: LabSetting.isFull, "BOOTSTEAD_LAB_FULL=1 runs it"))
    func thinVolumes() async throws {
      try await InstalledMachine.with("node-work") { installed in
        var configuration = installed.configuration
        let script = LabSetting.source + "/Tests/Lab/node-work/script.sh"
        configuration.arguments += ["-fw_cfg", "name=opt/bootstead/script,file=\(script)"]
        let console = try await installed.lab.boot(configuration) { machine in
          try await machine.wait(for: "node: the script ", seconds: 900)
          return machine.console.text
        }
        #expect(!console.contains("node-work: FAILED"))
        for step in ["rolled back", "backed up", "killed and recovered"] {
          #expect(console.contains("node-work: \(step)"))
        }
        #expect(console.contains("node: the script ended"))
      }
    }
  }
}
