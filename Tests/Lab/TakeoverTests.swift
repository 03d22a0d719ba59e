import Foundation
import Lab
import Testing

extension RealMachines {
  /// Machines that already run Linux, and whose firmware boots from nothing but their disks.
  @Suite("Take-overs by kexec") struct TakeoverTests {
    @Test("over SSH, with a static address: old Debian becomes an active node")
    func staticAddress() async throws {
      try await withOldMachine(.fixed) { lab, old, machine in
        let before = try await old.disk.copy(to: lab.folder + "/before.raw")
        // Consent for another disk is none for this one.
        let key = try await old.hostKey(at: "10.77.0.50", in: lab.network, folder: lab.folder)
        let refusal = await #expect(throws: LabError.self) {
          try await takeOver(lab, old, at: "10.77.0.50", ["--wipe", "OTHER", "--yes", "--host-key", key])
        }
        #expect(refusal?.description.contains("OLD1") == true)
        try await old.disk.mustEqual(before)
        try await takeOver(lab, old, at: "10.77.0.50", ["--wipe", "OLD1", "--yes"])
        try await machine.wait(for: "micro-installer, kernel", seconds: 300)
        try await lab.wait(for: "edge1", of: machine, seconds: 1200, what: "the node's own report") {
          $0.state == "active"
        }
        #expect(machine.console.text.contains("the old system's network: eth0 10.77.0.50/24"))
        #expect(!machine.console.text.contains("asking for an address on"))
      }
    }

    @Test(
      "cut off from the appliance, the machine goes back to its old system with its disk as it was; its new host key is refused",
      .enabled(if: LabSetting.isFull, "BOOTSTEAD_LAB_FULL=1 runs it"))
    func watchdog() async throws {
      try await withOldMachine(.fixed, serve: ["--takeover-watchdog", "30"]) { lab, old, machine in
        let before = try await old.disk.copy(to: lab.folder + "/before.raw")
        let key = try await old.hostKey(at: "10.77.0.50", in: lab.network, folder: lab.folder)
        try await takeOver(lab, old, at: "10.77.0.50", ["--wipe", "OLD1", "--yes", "--host-key", key])
        try await lab.network.setAppliance(reachable: false)
        try await machine.wait(for: "restarting into the system on the disk", seconds: 300)
        try await machine.wait(for: "old debian: ready", times: 2, seconds: 300)
        try await old.disk.mustEqual(before)

        try await lab.network.setAppliance(reachable: true)
        let found = try await old.hostKey(at: "10.77.0.50", in: lab.network, folder: lab.folder)
        let refusal = await #expect(throws: LabError.self) {
          try await takeOver(lab, old, at: "10.77.0.50", ["--wipe", "OLD1", "--yes"])
        }
        #expect(refusal?.description.contains("expected \(key)") == true)
        #expect(refusal?.description.contains("found \(found)") == true)
      }
    }

    @Test("by a token from a rescue shell, with DHCP", .enabled(if: LabSetting.isFull, "BOOTSTEAD_LAB_FULL=1"))
    func tokenAndDHCP() async throws {
      try await withOldMachine(.dhcp) { lab, old, machine in
        let answer = try await lab.appliance.run(
          "kexec", "--token", "--name", "edge1", "--closure", lab.closure, "--wipe", "OLD1")
        let line = try #require(try JSONDecoder().decode(TokenLines.self, from: answer).lines.first)
        let address = try #require(old.address(on: machine.console.text))
        try await old.type(line, at: address, in: lab.network)
        try await begins(lab, machine)
        #expect(machine.console.text.contains("asking for an address on eth0"))
      }
    }

    @Test(
      "a kernel without kexec_file_load gets the installer by kexec_load and kexec-tools",
      .enabled(if: LabSetting.isFull, "BOOTSTEAD_LAB_FULL=1"))
    func kexecLoad() async throws {
      try await withOldMachine(.fixed, arguments: ["-fw_cfg", "name=opt/bootstead/kexec,string=load"]) {
        lab, old, machine in
        let key = try await old.hostKey(at: "10.77.0.50", in: lab.network, folder: lab.folder)
        try await takeOver(lab, old, at: "10.77.0.50", ["--wipe", "OLD1", "--yes", "--host-key", key])
        try await lab.wait(for: "edge1", of: machine, seconds: 1200, what: "the node's own report") {
          $0.state == "active"
        }
        let events = String(decoding: try await lab.appliance.run("watch", "edge1"), as: UTF8.self)
        #expect(events.contains("loaded (kexec_load)"), "\(events)")
      }
    }

    @Test(
      "over SSH, through a VLAN, a bond, or IPv6 alone", .enabled(if: LabSetting.isFull, "BOOTSTEAD_LAB_FULL=1"),
      arguments: [
        (OldMachine.Network.ipv6, "fd77::50", "fd77::50/64"), (.bond, "10.77.0.50", "b0 10.77.0.50/24"),
        (.vlan, "10.77.0.50", "v0 10.77.0.50/24"),
      ])
    func otherNetworks(network: OldMachine.Network, host: String, shown: String) async throws {
      try await withOldMachine(network) { lab, old, machine in
        let key = try await old.hostKey(at: host, in: lab.network, folder: lab.folder)
        try await takeOver(lab, old, at: host, ["--wipe", "OLD1", "--yes", "--host-key", key])
        try await begins(lab, machine)
        #expect(machine.console.text.contains(shown))
        #expect(!machine.console.text.contains("asking for an address on"))
      }
    }

    private struct TokenLines: Decodable { var lines: [String] }

    /// The agent has its task, which it got over the network that was handed over.
    private func begins(_ lab: Lab, _ machine: LabMachine) async throws {
      try await machine.wait(for: "micro-installer, kernel", seconds: 300)
      try await lab.wait(for: "edge1", of: machine, seconds: 600, what: "the install") { $0.state == "installing" }
    }

    private func withOldMachine(
      _ network: OldMachine.Network, serve: [String] = [], arguments: [String] = [],
      _ body: @escaping @Sendable (Lab, OldMachine, LabMachine) async throws -> Void
    ) async throws {
      try await LabSetting.lab("takeover-\(network.rawValue)", serve: serve) { lab in
        var old = try await OldMachine.make(
          name: "edge1", mac: "52:54:00:88:00:01", network: network, source: LabSetting.source,
          artifacts: LabSetting.folder + "/artifacts", folder: lab.folder)
        old.configuration.arguments += arguments
        let run: @Sendable () async throws -> Void = { [old] in
          try await lab.boot(old.configuration) { machine in
            try await machine.wait(for: "old debian: ready", seconds: 300)
            try await body(lab, old, machine)
          }
        }
        guard network == .vlan else { return try await run() }
        let vlan = try await OldMachine.vlanSwitch(
          source: LabSetting.source, artifacts: LabSetting.folder + "/artifacts", folder: lab.folder)
        try await lab.boot(vlan) { machine in
          try await machine.wait(for: "old debian: ready", seconds: 300)
          try await run()
        }
      }
    }

    @discardableResult
    private func takeOver(_ lab: Lab, _ old: OldMachine, at host: String, _ arguments: [String]) async throws -> String
    {
      // Without its debug information, as it is installed.
      let agent = lab.folder + "/bootstead-agent"
      try await LabTool.run("strip", ["-o", agent, LabSetting.agent])
      return try await lab.appliance.runInside(
        lab.network,
        [
          "kexec", "root@\(host)", "--name", old.configuration.name, "--closure", lab.closure, "--identity",
          old.identity, "--agent", agent,
        ] + arguments)
    }
  }
}
