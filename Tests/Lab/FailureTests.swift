import Foundation
import Lab
import Testing

extension RealMachines {
  /// Each row of docs/recovery.md, from a copy of a machine that was installed once.
  @Suite("Failures and their recovery") struct FailureTests {
    @Test(
      "the system's file system is destroyed: a rebuild brings the machine back, and its data is the same",
      .enabled(if: LabSetting.isFull, "BOOTSTEAD_LAB_FULL=1 runs it"))
    func systemDestroyed() async throws {
      try await InstalledMachine.with("system-destroyed") { installed in
        try installed.damage.scribble(at: DiskDamage.system, count: 64 << 20)
        try await installed.rebuild()
        let hash = try await installed.bootUntilActive()
        #expect(hash == installed.dataHash)
      }
    }

    @Test(
      "the ESP is destroyed: a rebuild brings the machine back, and its data is the same",
      .enabled(if: LabSetting.isFull, "BOOTSTEAD_LAB_FULL=1 runs it"))
    func espDestroyed() async throws {
      try await InstalledMachine.with("esp-destroyed", firmware: .uefi) { installed in
        try installed.damage.scribble(at: DiskDamage.esp, count: 64 << 20)
        try await installed.rebuild()
        let hash = try await installed.bootUntilActive()
        #expect(hash == installed.dataHash)
      }
    }

    @Test(
      "the firmware has lost its boot entries: the machine starts from its disk all the same",
      .enabled(if: LabSetting.isFull, "BOOTSTEAD_LAB_FULL=1 runs it"))
    func bootEntriesLost() async throws {
      try await InstalledMachine.with("boot-entries-lost", firmware: .uefi) { installed in
        try FileManager.default.removeItem(atPath: installed.lab.folder + "/node1.vars")
        try await installed.lab.boot(installed.configuration) { machine in
          try await machine.wait(for: "node: reported", seconds: 900)
          #expect(InstalledMachine.dataHash(on: machine.console.text) == installed.dataHash)
          #expect(!machine.console.text.contains("micro-installer"))
        }
      }
    }

    @Test(
      "the only disk died: a rebuild on the new one says before that the data is lost, and asks for it",
      .enabled(if: LabSetting.isFull, "BOOTSTEAD_LAB_FULL=1 runs it"))
    func onlyDiskReplaced() async throws {
      try await InstalledMachine.with("only-disk") { installed in
        var installed = installed
        installed.configuration.disks = [
          try await LabDisk.make(
            path: installed.lab.folder + "/new.raw", serial: "SYSTEM2", gibibytes: 24, format: .raw)
        ]
        await #expect(throws: LabError.self) { try await installed.rebuild("--replace-disk", "SYSTEM1=SYSTEM2") }
        let preview = try await installed.lab.appliance.run(
          "rebuild", "node1", "--replace-disk", "SYSTEM1=SYSTEM2", "--lose-data", "SYSTEM1", "--dry-run")
        #expect(String(decoding: preview, as: UTF8.self).contains("SYSTEM1"))
        try await installed.rebuild("--replace-disk", "SYSTEM1=SYSTEM2", "--lose-data", "SYSTEM1")
        let hash = try await installed.bootUntilActive()
        #expect(hash != installed.dataHash)
      }
    }

    @Test(
      "the board was replaced: new addresses and a new UUID, the same disk and its data",
      .enabled(if: LabSetting.isFull, "BOOTSTEAD_LAB_FULL=1 runs it"))
    func boardReplaced() async throws {
      try await InstalledMachine.with("board-replaced") { installed in
        var installed = installed
        installed.configuration.mac = "52:54:00:99:88:77"
        installed.configuration.uuid = "5b0f4bb5-3c6c-4b0c-9a5e-0f7d8f1f2a33"
        try await installed.rebuild("--replace-mac", installed.configuration.mac)
        let hash = try await installed.bootUntilActive()
        #expect(hash == installed.dataHash)
      }
    }

    @Test(
      "the network card was replaced: with the new address on record the machine starts from its disk",
      .enabled(if: LabSetting.isFull, "BOOTSTEAD_LAB_FULL=1 runs it"))
    func cardReplaced() async throws {
      try await InstalledMachine.with("card-replaced") { installed in
        var configuration = installed.configuration
        configuration.mac = "52:54:00:99:88:66"
        configuration.interfaceModel = "e1000"
        try await installed.lab.appliance.run("machine", "set", "node1", "--add-mac", configuration.mac)
        try await installed.lab.boot(configuration) { machine in
          try await machine.wait(for: "node: reported", seconds: 900)
          #expect(InstalledMachine.dataHash(on: machine.console.text) == installed.dataHash)
        }
      }
    }

    @Test(
      "damaged pool metadata is found, told and not touched; a repair that was asked for keeps the data",
      .enabled(if: LabSetting.isFull, "BOOTSTEAD_LAB_FULL=1 runs it"))
    func poolMetadataDamaged() async throws {
      try await InstalledMachine.with("pool-metadata") { installed in
        try await installed.damage.damagePoolMetadata()
        let disk = installed.configuration.disks[0]
        let before = try await disk.copy(to: installed.lab.folder + "/before.raw")
        try await installed.rebuild()
        try await installed.lab.boot(installed.configuration) { machine in
          try await installed.waitForRefusal(of: machine, containing: "--repair-pool")
        }
        try await disk.mustEqual(before)

        try await installed.rebuild("--repair-pool")
        let hash = try await installed.bootUntilActive()
        #expect(hash == installed.dataHash)
      }
    }

    @Test(
      "a disk of another Bootstead machine is known as such, and stays as it is to the byte",
      .enabled(if: LabSetting.isFull, "BOOTSTEAD_LAB_FULL=1 runs it"))
    func diskOfAnotherMachine() async throws {
      try await InstalledMachine.with("moved-disk") { installed in
        var configuration = installed.configuration
        configuration.name = "node2"
        configuration.mac = "52:54:00:99:88:55"
        let disk = configuration.disks[0]
        let before = try await disk.copy(to: installed.lab.folder + "/before.raw")
        try await installed.lab.appliance.run(
          "machine", "add", "--mac", configuration.mac, "--name", "node2", "--closure", installed.lab.closure)
        try await installed.lab.boot(configuration) { machine in
          let status = try await installed.lab.wait(for: "node2", of: machine, seconds: 900, what: "the refusal") {
            $0.planRefusal != nil
          }
          #expect(status.planRefusal?.contains("node1") == true, "\(status.planRefusal ?? "")")
        }
        try await disk.mustEqual(before)
      }
    }

    @Test(
      "a machine that comes without its recorded disk is refused, and a disk that is not recorded stays as it is",
      .enabled(if: LabSetting.isFull, "BOOTSTEAD_LAB_FULL=1 runs it"))
    func diskMissing() async throws {
      try await InstalledMachine.with("disk-missing") { installed in
        var installed = installed
        let disk = try await LabDisk.make(
          path: installed.lab.folder + "/other.raw", serial: "OTHER1", gibibytes: 24, format: .raw)
        try await LabTool.run("mkfs.ext4", ["-q", "-F", disk.path])
        let before = try await disk.copy(to: installed.lab.folder + "/before.raw")
        installed.configuration.disks = [disk]
        try await installed.rebuild()
        try await installed.lab.boot(installed.configuration) { [installed] machine in
          try await installed.waitForRefusal(of: machine, containing: "SYSTEM1")
        }
        try await disk.mustEqual(before)
      }
    }

    @Test(
      "a machine is given away: wiped with consent for its disk, forgotten, and new hardware when it comes back",
      .enabled(if: LabSetting.isFull, "BOOTSTEAD_LAB_FULL=1 runs it"))
    func givenAway() async throws {
      try await InstalledMachine.with("given-away") { installed in
        await #expect(throws: LabError.self) {
          try await installed.lab.appliance.run("machine", "wipe", "node1", "--disk", "SYSTEM9", "--yes")
        }
        try await installed.lab.appliance.run("machine", "wipe", "node1", "--disk", "SYSTEM1", "--yes")
        _ = try await installed.lab.boot(installed.configuration) { machine in
          try await installed.lab.wait(for: "node1", of: machine, seconds: 900, what: "the wipe") {
            $0.state == "approved"
          }
        }
        let blank = try await LabDisk.make(
          path: installed.lab.folder + "/blank.raw", serial: "BLANK", gibibytes: 24, format: .raw)
        try await installed.configuration.disks[0].mustEqual(blank)
        try await installed.lab.appliance.run("machine", "forget", "node1", "--yes")
        #expect(try await installed.lab.appliance.machines().isEmpty)
      }
    }
  }
}
