import Foundation
import Lab
import Testing

extension RealMachines {
  @Suite("First installs") struct BootTests {
    @Test("BIOS PXE: an empty machine becomes an active node, and boots from its disk after that")
    func biosPXE() async throws { try await startsFromItsDisk(.bios) }

    @Test("UEFI PXE: an empty machine becomes an active node, and boots from its disk after that")
    func uefiPXE() async throws { try await startsFromItsDisk(.uefi) }

    @Test("UEFI HTTP boot: an empty machine becomes an active node, and boots from its disk after that")
    func uefiHTTPBoot() async throws { try await startsFromItsDisk(.uefiHTTP) }

    private func startsFromItsDisk(_ firmware: LabMachine.Firmware) async throws {
      try await InstalledMachine.with("install-\(firmware.rawValue)", firmware: firmware) { installed in
        let lab = installed.lab
        var configuration = installed.configuration
        configuration.arguments = try DiskTruth.arguments(folder: lab.folder)
        let console = try await lab.boot(configuration) { machine in
          try await machine.wait(for: "starts from its own disk", seconds: 600)
          try await machine.wait(for: "node: node1, system \(lab.closure)", seconds: 600)
          try await machine.wait(for: "node: mounted /srv/appdata", seconds: 300)
          try await machine.wait(for: "node: the script ended", seconds: 300)
          try await machine.wait(for: "node: reported", seconds: 300)
          #expect(!machine.console.text.contains("micro-installer"))
          return machine.console.text
        }
        try await DeclaredDisks.mustBeTrue(on: DiskTruth(console: console), folder: lab.folder)
        let status = try await lab.appliance.machine("node1")
        #expect(status.state == "active")
      }
    }

    @Test("an unknown machine only shows what it is made of, and its disk stays as it is to the byte")
    func unknownMachine() async throws {
      try await LabSetting.lab("unknown", serve: ["--enrolment", "inventory"]) { lab in
        let disk = try await LabDisk.make(
          path: lab.folder + "/disk.raw", serial: "UNKNOWN1", gibibytes: 24, format: .raw)
        let before = try await disk.copy(to: lab.folder + "/before.raw")
        let machine = LabMachine.Configuration(
          name: "stranger", firmware: .bios, mac: "52:54:00:77:00:01", disks: [disk])
        try await lab.boot(machine) { machine in
          try await machine.wait(for: "waiting for approval", seconds: 900)
          // The agent has had its answer; what it does with it shows within this time.
          try await Task.sleep(for: .seconds(20))
          #expect(!machine.console.text.contains("node: reported"))
        }
        let machines = try await lab.appliance.machines()
        #expect(machines.map(\.state) == ["discovered"])
        #expect(machines.first?.inventory?.disks.disks.map(\.serial) == ["UNKNOWN1"])
        try await disk.mustEqual(before)
      }
    }

    @Test("a disk with a foreign file system is refused, and stays as it is to the byte")
    func foreignFileSystem() async throws {
      try await LabSetting.lab("foreign") { lab in
        let disk = try await LabDisk.make(
          path: lab.folder + "/disk.raw", serial: "PRECIOUS1", gibibytes: 24, format: .raw)
        try await LabTool.run("mkfs.ext4", ["-q", "-F", "-L", "precious", disk.path])
        let before = try await disk.copy(to: lab.folder + "/before.raw")
        let configuration = LabMachine.Configuration(
          name: "node2", firmware: .uefi, mac: "52:54:00:77:00:02", disks: [disk])
        try await lab.appliance.run(
          "machine", "add", "--mac", configuration.mac, "--name", "node2", "--closure", lab.closure)
        try await lab.boot(configuration) { machine in
          let status = try await lab.wait(for: "node2", of: machine, seconds: 900, what: "the refusal") {
            $0.planRefusal != nil
          }
          #expect(status.planRefusal?.contains("PRECIOUS1") == true)
          try await Task.sleep(for: .seconds(20))
        }
        let status = try await lab.appliance.machine("node2")
        #expect(!["installing", "installed", "active"].contains(status.state))
        try await disk.mustEqual(before)
      }
    }
  }
}
