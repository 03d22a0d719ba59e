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
        try await lab.boot(configuration) { machine in try await seeRebuild(installed, machine) }
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

    @Test("a running node hears of its rebuild, starts from the network by itself and comes back with its data")
    func rebuildNow() async throws {
      try await InstalledMachine.with("rebuild-now", firmware: .uefi) { installed in
        let lab = installed.lab
        try await lab.boot(installed.configuration) { machine in
          try await machine.wait(for: "node: reported", seconds: 900)
          try await lab.appliance.run("rebuild", "node1", "--now", "--yes")
          try await machine.wait(for: "the appliance says: start from the network", seconds: 300)
          try await seeRebuild(installed, machine)
        }
      }
    }

    @Test("a machine whose disk was exchanged is refused with what was expected and found; the disk stays blank")
    func otherDisk() async throws {
      try await InstalledMachine.with("rebuild-other-disk", firmware: .uefi) { installed in
        let lab = installed.lab
        var configuration = installed.configuration
        let blank = try await LabDisk.make(
          path: lab.folder + "/blank.raw", serial: "SYSTEM2", gibibytes: 24, format: .raw)
        let untouched = try await blank.copy(to: lab.folder + "/untouched.raw")
        configuration.disks = [blank]
        try await lab.appliance.run("rebuild", "node1", "--yes")
        try await lab.boot(configuration) { machine in
          let status = try await lab.wait(for: "node1", of: machine, seconds: 900, what: "the refusal") {
            $0.planRefusal != nil
          }
          #expect(status.planRefusal?.contains("SYSTEM2") == true)
          try await Task.sleep(for: .seconds(20))
        }
        try await blank.mustEqual(untouched)
      }
    }

    /// Watches a machine from the network boot to its node's report.
    private func seeRebuild(_ installed: InstalledMachine, _ machine: LabMachine) async throws {
      let lab = installed.lab
      try await machine.wait(for: "comparing with the record", seconds: 900)
      try await lab.wait(for: "node1", of: machine, seconds: 1800, what: "the rebuild") {
        ["installed", "active"].contains($0.state)
      }
      let status = try await lab.wait(for: "node1", of: machine, seconds: 900, what: "the node's own report") {
        $0.state == "active"
      }
      try await machine.wait(for: "node: reported", seconds: 300)
      #expect(InstalledMachine.dataHash(on: machine.console.text) == installed.dataHash)
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
