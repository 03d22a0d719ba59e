import Foundation
import Lab
import Testing

extension RealMachines {
  @Suite("Network faults") struct NetworkFaultTests {
    /// 5 % loss, 100 ms ± 50 ms, overtaking and doubled packets.
    static let bad = LabCableConditions(
      loss: 0.05, duplication: 0.02, reordering: 0.05, delay: .milliseconds(100), jitter: .milliseconds(50))

    @Test(
      "an install survives a bad network, a late DHCP server, a break in the copy and a new address, and copies once")
    func everything() async throws {
      try await run("network-faults", partitionSeconds: 20, badFromPowerOn: false)
    }

    @Test(
      "the same with a bad network from power-on and two minutes without the appliance",
      .enabled(if: LabSetting.isFull, "make soak"))
    func everythingLonger() async throws {
      try await run("network-faults-long", partitionSeconds: 120, badFromPowerOn: true)
    }

    private func run(_ name: String, partitionSeconds: Int, badFromPowerOn: Bool) async throws {
      let seed = LabSetting.seed
      print("seed \(seed)")
      try await LabSetting.lab(name) { lab in
        let cable = try await LabCable.start(seed: seed, conditions: badFromPowerOn ? Self.bad : LabCableConditions())
        do {
          try await Self.install(lab, cable, partitionSeconds: partitionSeconds)
          await cable.stop()
        } catch {
          await cable.stop()
          throw error
        }
      }
    }

    private static func install(_ lab: Lab, _ cable: LabCable, partitionSeconds: Int) async throws {
      let late = LabDHCP(addresses: 100...109, leaseSeconds: 120, replyDelaySeconds: 8)
      try await lab.network.replaceDHCP(by: late)
      let disk = try await LabDisk.make(path: lab.folder + "/system.qcow2", serial: "SYSTEM1", gibibytes: 24)
      var configuration = LabMachine.Configuration(
        name: "node1", firmware: .bios, mac: "52:54:00:12:34:56", disks: [disk])
      configuration.cable = cable
      try await lab.appliance.run(
        "machine", "add", "--mac", configuration.mac, "--name", "node1", "--closure", lab.closure)
      try await lab.boot(configuration) { machine in
        try await machine.wait(for: "bootstead: micro-installer", seconds: 900)
        var conditions = bad
        conditions.bytesPerSecond = 1_600_000
        cable.conditions = conditions
        try await machine.wait(for: "copying: ", seconds: 600)
        let before = cable.traffic(.toMachine).bytes
        // The lease is renewed in its middle: by then another server is there, which does not know it.
        try await lab.network.replaceDHCP(by: LabDHCP(addresses: 210...219))
        try await machine.wait(for: "copying: 2", seconds: 600)
        cable.conditions.isCut = true
        try await Task.sleep(for: .seconds(partitionSeconds))
        cable.conditions.isCut = false
        try await lab.wait(for: "node1", of: machine, seconds: 1800, what: "the install") {
          ["installed", "active"].contains($0.state)
        }
        let copied = cable.traffic(.toMachine).bytes - before
        let console = machine.console.text
        #expect(CopyProgress(console).starts == 1)
        #expect(!console.contains("FAILED"))
        #expect(console.contains("changed from 10.77.0.10"))
        let size = try closureSize(lab)
        print("\(copied) bytes for a closure of \(size)")
        #expect(copied < size * 3 / 2)
        cable.conditions = LabCableConditions()
        try await lab.wait(for: "node1", of: machine, seconds: 900, what: "the node's own report") {
          $0.state == "active"
        }
      }
    }

    /// What the whole closure has on the wire, in bytes.
    private static func closureSize(_ lab: Lab) throws -> Int {
      let folder = lab.closureCache + "/nar"
      return try FileManager.default.contentsOfDirectory(atPath: folder).reduce(0) { sum, name in
        sum + ((try FileManager.default.attributesOfItem(atPath: folder + "/" + name)[.size] as? Int) ?? 0)
      }
    }
  }
}
