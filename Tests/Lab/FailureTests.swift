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
      "the pool is full: a rebuild says so, needs no room in it and keeps the data",
      .enabled(if: LabSetting.isFull, "BOOTSTEAD_LAB_FULL=1 runs it"))
    func poolFull() async throws {
      try await LabSetting.lab("pool-full") { lab in
        let disk = try await LabDisk.make(
          path: lab.folder + "/system.raw", serial: "SYSTEM1", gibibytes: 14, format: .raw)
        var configuration = LabMachine.Configuration(
          name: "node1", firmware: .bios, mac: "52:54:00:12:34:56", disks: [disk])
        try await lab.appliance.run(
          "machine", "add", "--mac", configuration.mac, "--name", "node1", "--closure", lab.closure,
          "--volume", "appdata:1GiB:/srv/appdata")
        // A volume that is larger than the pool takes all that is left.
        let script = lab.folder + "/fill.sh"
        try Data(
          """
          set -e
          [ -e /dev/data/hog ] && exit
          # The lab's node has no udev rules of the device mapper that LVM could wait for.
          config='activation { udev_sync = 0 udev_rules = 0 monitoring = 0 }'
          lvchange --config "$config" --errorwhenfull y data/pool
          lvcreate --config "$config" --yes --name hog --virtualsize 8G --thinpool data/pool
          dd if=/dev/zero of=/dev/data/hog bs=1M 2>/dev/null || echo "node: the pool has no space left"
          sync

          """.utf8
        ).write(to: URL(fileURLWithPath: script))
        configuration.arguments = ["-fw_cfg", "name=opt/bootstead/script,file=\(script)"]
        let installed = configuration
        let hash = try await lab.boot(installed) { machine in
          try await lab.wait(for: "node1", of: machine, seconds: 1800, what: "the install") { $0.state == "active" }
          try await machine.wait(for: "node: the script ended", seconds: 300)
          #expect(machine.console.text.contains("node: the pool has no space left"))
          return InstalledMachine.dataHash(on: machine.console.text)
        }
        let machine = InstalledMachine(lab: lab, configuration: installed, dataHash: try #require(hash))
        try await machine.rebuild()
        let console = try await lab.boot(installed) { machine in
          try await lab.wait(for: "node1", of: machine, seconds: 1800, what: "the rebuild") { $0.state == "active" }
          try await machine.wait(for: "node: reported", seconds: 300)
          return machine.console.text
        }
        #expect(console.contains("its data space is full"))
        #expect(InstalledMachine.dataHash(on: console) == machine.dataHash)
      }
    }

    @Test(
      "half of a mirror is missing: a rebuild goes on and leaves the other half as it is, to the byte",
      .enabled(if: LabSetting.isFull, "BOOTSTEAD_LAB_FULL=1 runs it"))
    func mirrorHalf() async throws {
      try await InstalledMachine.with("mirror-half") { installed in
        var installed = installed
        func half(_ serial: String) async throws -> LabDisk {
          try await LabDisk.make(
            path: installed.lab.folder + "/\(serial).raw", serial: serial, gibibytes: 1, format: .raw)
        }
        let (present, missing) = (try await half("MIRROR1"), try await half("MIRROR2"))
        try await LabTool.run("mkfs.btrfs", ["-q", "-m", "raid1", "-d", "raid1", present.path, missing.path])
        let before = try await present.copy(to: installed.lab.folder + "/before.raw")
        installed.configuration.disks.append(present)
        try await installed.rebuild()
        #expect(try await installed.bootUntilActive() == installed.dataHash)
        try await present.mustEqual(before)
      }
    }

    @Test(
      "two machines whose boards have the same placeholder UUID are installed beside each other",
      .enabled(if: LabSetting.isFull, "BOOTSTEAD_LAB_FULL=1 runs it"))
    func samePlaceholder() async throws {
      try await LabSetting.lab("placeholder") { lab in
        func machine(_ number: Int) async throws -> LabMachine.Configuration {
          let disk = try await LabDisk.make(
            path: "\(lab.folder)/\(number).qcow2", serial: "DISK\(number)", gibibytes: 24)
          var configuration = LabMachine.Configuration(
            name: "node\(number)", firmware: .bios, mac: "52:54:00:12:34:0\(number)", disks: [disk])
          // As boards with AMI firmware have it from the factory.
          configuration.uuid = "03000200-0400-0500-0006-000700080009"
          try await lab.appliance.run(
            "machine", "add", "--mac", configuration.mac, "--name", configuration.name, "--closure", lab.closure)
          return configuration
        }
        let (first, second) = (try await machine(1), try await machine(2))
        try await lab.boot(first) { one in
          try await lab.boot(second) { two in
            for (name, machine) in [("node1", one), ("node2", two)] {
              try await lab.wait(for: name, of: machine, seconds: 1800, what: "the install of \(name)") {
                ["installed", "active"].contains($0.state)
              }
            }
          }
        }
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
