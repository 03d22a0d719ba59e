import Foundation
import Lab
import Testing

extension RealMachines {
  @Suite("The hardware of a machine, examined by its agent") struct HardwareTests {
    private struct Facts: Decodable {
      struct Record: Decodable {
        struct Content: Decodable {
          struct Disk: Decodable {
            struct Smart: Decodable {
              var verdict: String
              var reason: String?
            }
            struct Read: Decodable {
              struct Fault: Decodable { var offset: UInt64 }
              var bytesRead: UInt64
              var faults: [Fault]
            }
            var serial: String?
            var smart: Smart?
            var read: Read?
          }
          var memory: UInt64
          var disks: [Disk]
        }
        var facts: Content
      }
      struct Standing: Decodable {
        struct Change: Decodable { var text: String }
        var held: String?
        var drift: [Change]
      }
      var records: [Record]
      var standing: Standing
    }

    private func facts(_ lab: Lab) async throws -> Facts {
      try JSONDecoder().decode(Facts.self, from: try await lab.appliance.run("machine", "facts", "node1"))
    }

    private func wait(_ lab: Lab, _ machine: LabMachine, until isReached: (Facts) -> Bool) async throws -> Facts {
      let clock = ContinuousClock()
      let end = clock.now + .seconds(900)
      while true {
        try machine.mustRun()
        let facts = try await facts(lab)
        if isReached(facts) { return facts }
        guard clock.now < end else {
          throw LabError.notSeen(what: "the facts that were waited for", seconds: 900, tail: machine.console.tail())
        }
        try await Task.sleep(for: .seconds(2))
      }
    }

    @Test(
      "SMART of SATA and NVMe disks, none of virtio, a place that can not be read; less memory holds the install",
      .enabled(if: LabSetting.isFull, "BOOTSTEAD_LAB_FULL=1 runs it"))
    func examine() async throws {
      try await LabSetting.lab("hardware") { lab in
        // In the second of the 64 places that the read test reads of 24 GiB.
        let unreadable: UInt64 = 408_981_504 + (2 << 20) + 8192
        var disk = try await LabDisk.make(
          path: lab.folder + "/virtio.raw", serial: "VIRTIO1", gibibytes: 24, format: .raw)
        disk.unreadableByte = unreadable
        let before = try await disk.copy(to: lab.folder + "/before.raw")
        let sata = try await LabDisk.make(path: lab.folder + "/sata.qcow2", serial: "SATA1", gibibytes: 1, bus: .sata)
        let nvme = try await LabDisk.make(path: lab.folder + "/nvme.qcow2", serial: "NVME1", gibibytes: 1, bus: .nvme)
        var machine = LabMachine.Configuration(
          name: "node1", firmware: .bios, mac: "52:54:00:12:34:77", disks: [disk, sata, nvme])
        try await lab.appliance.run(
          "machine", "add", "--mac", machine.mac, "--name", "node1", "--closure", lab.closure, "--disk",
          "serial:VIRTIO1")
        try await lab.appliance.run("machine", "set", "node1", "--hold-on", "drift,smart,read-test")
        try await lab.boot(machine) { running in
          let facts = try await wait(lab, running) { $0.standing.held != nil }
          let disks = try #require(facts.records.first?.facts.disks)
          func one(_ serial: String) -> Facts.Record.Content.Disk? { disks.first { $0.serial == serial } }
          #expect(one("VIRTIO1")?.smart?.verdict == "not available")
          #expect(one("VIRTIO1")?.smart?.reason?.contains("Unable to detect device type") == true)
          #expect(one("SATA1")?.smart?.verdict == "passed" && one("NVME1")?.smart?.verdict == "passed")
          #expect(one("VIRTIO1")?.read?.faults.map(\.offset) == [unreadable / 4096 * 4096])
          #expect(one("VIRTIO1")?.read?.bytesRead == 255 << 20)
          #expect(one("SATA1")?.read?.faults.isEmpty == true && one("NVME1")?.read?.faults.isEmpty == true)
          #expect(facts.standing.held?.contains("can not be read at byte \(unreadable / 4096 * 4096)") == true)
        }
        // Nothing was written, and the install waits after a restart too; accepting releases what was seen only.
        var sound = disk
        sound.unreadableByte = nil
        try await sound.mustEqual(before)
        try await lab.appliance.run("machine", "accept-facts", "node1")
        machine.memoryMiB = 1536
        machine.disks[0] = sound
        try await lab.boot(machine) { running in
          let facts = try await wait(lab, running) { $0.standing.held?.contains("memory") == true }
          #expect(facts.standing.held?.contains("more than") == true)
        }
        try await sound.mustEqual(before)
      }
    }
  }
}
