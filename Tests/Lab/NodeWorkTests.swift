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

    @Test(
      "of stacks in a real container engine: killed, their volumes lost, and restored",
      .enabled(if: LabSetting.isFull, "BOOTSTEAD_LAB_FULL=1 runs it"))
    func containerEngine() async throws {
      let image = LabSetting.folder + "/engine.img"
      try await LabTool.run(
        LabSetting.source + "/Tests/Lab/node-work/engine-disk", [image, LabSetting.binaries])
      try await InstalledMachine.with("node-engine") { installed in
        var configuration = installed.configuration
        configuration.memoryMiB = 3072
        configuration.disks.append(LabDisk(path: image, serial: "ENGINE", format: .raw))
        let script = LabSetting.source + "/Tests/Lab/node-work/engine.sh"
        configuration.arguments += ["-fw_cfg", "name=opt/bootstead/script,file=\(script)"]
        let console = try await installed.lab.boot(configuration) { machine in
          try await machine.wait(for: "node: the script ", seconds: 1800)
          return machine.console.text
        }
        #expect(!console.contains("engine: FAILED"))
        for step in ["the stacks run", "backed up", "killed and recovered", "restored"] {
          #expect(console.contains("engine: \(step)"))
        }
        #expect(console.contains("node: the script ended"))
        for line in console.split(whereSeparator: \.isNewline) where line.contains("stood still") { print(line) }
      }
    }
  }
}
