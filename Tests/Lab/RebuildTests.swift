import Foundation
import Lab
import Testing

extension RealMachines {
  @Suite("Rebuilds") struct RebuildTests {
    @Test(
      "a rebuild makes the system anew and keeps the data: the file's hash and the volumes' fingerprints are the same")
    func rebuild() async throws {
      try await InstalledMachine.with("rebuild", firmware: .uefi) { installed in
        let (lab, configuration) = (installed.lab, installed.configuration)
        let before = try await fileSystems(configuration)
        try await lab.appliance.run("rebuild", "node1", "--yes")
        try await lab.boot(configuration) { machine in try await seeRebuild(lab, machine, dataHash: installed.dataHash)
        }
        let after = try await fileSystems(configuration)
        #expect(before.count == 2 && before.allSatisfy { !$0.isEmpty })
        for (old, new) in zip(before, after) { #expect(old != new) }
        // Nothing is armed any more: the machine goes to its disk.
        try await lab.boot(configuration) { machine in
          try await machine.wait(for: "node: reported", seconds: 900)
          #expect(InstalledMachine.dataHash(on: machine.console.text) == installed.dataHash)
          #expect(!machine.console.text.contains("micro-installer"))
        }
      }
    }

    @Test(
      "a running node hears of its rebuild, starts from the network by itself and comes back with its data",
      .enabled(if: LabSetting.isFull, "BOOTSTEAD_LAB_FULL=1 runs it"))
    func rebuildNow() async throws {
      try await InstalledMachine.with("rebuild-now", firmware: .uefi) { installed in
        let lab = installed.lab
        try await lab.boot(installed.configuration) { machine in
          try await machine.wait(for: "node: reported", seconds: 900)
          try await lab.appliance.run("rebuild", "node1", "--now", "--yes")
          try await machine.wait(for: "the appliance says: start from the network", seconds: 300)
          try await seeRebuild(lab, machine, dataHash: installed.dataHash)
        }
      }
    }

    @Test(
      "the system disk of two died: a rebuild puts the system on the new one and keeps the data on the other",
      .enabled(if: LabSetting.isFull, "BOOTSTEAD_LAB_FULL=1 runs it"))
    func systemDiskOfTwo() async throws {
      try await LabSetting.lab("rebuild-two-disks") { lab in
        func disk(_ serial: String, gibibytes: Int) async throws -> LabDisk {
          try await LabDisk.make(
            path: "\(lab.folder)/\(serial).raw", serial: serial, gibibytes: gibibytes, format: .raw)
        }
        var configuration = LabMachine.Configuration(
          name: "node1", firmware: .bios, mac: "52:54:00:12:34:56",
          disks: [try await disk("SYSTEM1", gibibytes: 12), try await disk("DATA1", gibibytes: 16)])
        try await lab.appliance.run(
          "machine", "add", "--mac", configuration.mac, "--name", "node1", "--closure", lab.closure, "--data-disk",
          "serial:DATA1", "--volume", "appdata:4GiB:/srv/appdata")
        let hash = try await lab.boot(configuration) { machine in
          try await lab.wait(for: "node1", of: machine, seconds: 1800, what: "the install") { $0.state == "active" }
          try await machine.wait(for: "node: reported", seconds: 300)
          return try #require(InstalledMachine.dataHash(on: machine.console.text))
        }
        let data = configuration.disks[1]
        let before = try await LabPartition.named("bootstead-data", on: data)

        configuration.disks[0] = try await disk("SYSTEM2", gibibytes: 14)
        try await lab.appliance.run("rebuild", "node1", "--replace-disk", "SYSTEM1=SYSTEM2", "--yes")
        try await lab.boot(configuration) { machine in
          try await seeRebuild(lab, machine, dataHash: hash)
        }
        let after = try await LabPartition.named("bootstead-data", on: data)
        #expect(after.start == before.start && after.size == before.size)
        let system = try await LabPartition.named("bootstead-system", on: configuration.disks[0])
        #expect(try await !system.fileSystemUUID().isEmpty)
      }
    }

    /// Watches a machine from the network boot to its node's report.
    private func seeRebuild(_ lab: Lab, _ machine: LabMachine, dataHash: String) async throws {
      try await machine.wait(for: "comparing with the record", seconds: 900)
      try await lab.wait(for: "node1", of: machine, seconds: 1800, what: "the rebuild") {
        ["installed", "active"].contains($0.state)
      }
      let status = try await lab.wait(for: "node1", of: machine, seconds: 900, what: "the node's own report") {
        $0.state == "active"
      }
      try await machine.wait(for: "node: reported", seconds: 300)
      #expect(InstalledMachine.dataHash(on: machine.console.text) == dataHash)
      let comparison = try #require(status.comparison)
      #expect(comparison.before.map(\.name) == ["appdata"])
      #expect(comparison.before == comparison.after && comparison.differences.isEmpty)
    }

    /// UUIDs of the system's file systems.
    private func fileSystems(_ configuration: LabMachine.Configuration) async throws -> [String] {
      guard let disk = configuration.disks.first else { return [] }
      var found: [String] = []
      for name in ["bootstead-esp", "bootstead-system"] {
        found.append(try await LabPartition.named(name, on: disk).fileSystemUUID())
      }
      return found
    }
  }
}
