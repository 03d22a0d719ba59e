import Lab
import Testing

extension RealMachines {
  @Suite("Machines that cannot boot from the network, started by a boot kit") struct BootKitTests {
    @Test(
      "BIOS, USB stick: a stranger gets as far as its inventory, and waits for approval",
      .enabled(if: LabSetting.isFull, "BOOTSTEAD_LAB_FULL=1 runs it"))
    func stranger() async throws {
      try await LabSetting.lab("kit-stranger", serve: ["--enrolment", "inventory"]) { lab in
        let kit = try await kit(lab, "--any")
        let machine = try await machine(lab, .bios, .usbStick(path: kit))
        try await lab.boot(machine) { running in
          try await running.wait(for: "boot kit for any machine", seconds: 120)
          try await running.wait(for: "waiting for approval", seconds: 600)
        }
        let known = try await lab.appliance.machines()
        #expect(known.map(\.state) == ["discovered"])
        #expect(known.first?.inventory?.disks.disks.contains { $0.serial == "SYSTEM1" } == true)
      }
    }

    @Test(
      "a machine is installed from its kit, and starts from its own disk after that, with the kit still in it",
      .enabled(if: LabSetting.isFull, "BOOTSTEAD_LAB_FULL=1 runs it"),
      arguments: [(LabMachine.Firmware.bios, true), (.uefi, false), (.bios, false), (.uefi, true)])
    func install(firmware: LabMachine.Firmware, isStick: Bool) async throws {
      try await LabSetting.lab("kit-\(firmware.rawValue)-\(isStick ? "stick" : "cd")") { lab in
        try await add(lab)
        let kit = try await kit(lab, "node1")
        let machine = try await machine(lab, firmware, isStick ? .usbStick(path: kit) : .cd(path: kit))
        try await lab.boot(machine) { running in
          _ = try await lab.wait(for: "node1", of: running, seconds: 2700, what: "the node's own report") {
            $0.state == "active"
          }
        }
        if firmware == .bios {
          try await lab.boot(machine) { running in
            try await running.wait(for: "starts from its own disk", seconds: 600)
            try await running.wait(for: "node: reported", seconds: 900)
          }
        }
      }
    }

    @Test(
      "a fixed address takes the place of DHCP, from iPXE to the agent",
      .enabled(if: LabSetting.isFull, "BOOTSTEAD_LAB_FULL=1 runs it"))
    func fixedAddress() async throws {
      try await LabSetting.lab("kit-fixed", serve: ["--enrolment", "inventory"]) { lab in
        let kit = try await kit(
          lab, "--any", "--address", "10.77.0.50/24", "--gateway", LabNetwork.applianceAddress, "--dns", "10.77.0.2")
        let machine = try await machine(lab, .bios, .cd(path: kit))
        try await lab.boot(machine) { running in
          try await running.wait(for: "using 10.77.0.50/24", seconds: 120)
          try await running.wait(for: "fixed address 10.77.0.50/24 on ", seconds: 600)
          try await running.wait(for: "waiting for approval", seconds: 600)
        }
        #expect(try await lab.appliance.machines().map(\.state) == ["discovered"])
      }
    }

    @Test(
      "a kit for another machine says whose it is, and leaves this one alone",
      .enabled(if: LabSetting.isFull, "BOOTSTEAD_LAB_FULL=1 runs it"))
    func wrongMachine() async throws {
      try await LabSetting.lab("kit-wrong") { lab in
        try await add(lab)
        let kit = try await kit(lab, "node1")
        var other = try await machine(lab, .bios, .cd(path: kit))
        other.mac = "52:54:00:12:34:99"
        try await lab.boot(other) { running in
          try await running.wait(for: "this kit is for node1 (52:54:00:12:34:88)", seconds: 120)
          try await running.wait(for: "going on with the next boot device", seconds: 60)
        }
        #expect(try await lab.appliance.machine("node1").state == "armed")
      }
    }

    private func kit(_ lab: Lab, _ arguments: String...) async throws -> String {
      let path = lab.folder + "/kit.img"
      try await lab.appliance.run(["bootkit", "-o", path] + arguments)
      return path
    }

    private func add(_ lab: Lab) async throws {
      try await lab.appliance.run(
        "machine", "add", "--mac", "52:54:00:12:34:88", "--name", "node1", "--closure", lab.closure)
    }

    private func machine(_ lab: Lab, _ firmware: LabMachine.Firmware, _ medium: LabMedium) async throws
      -> LabMachine.Configuration
    {
      var machine = LabMachine.Configuration(
        name: "node1", firmware: firmware, mac: "52:54:00:12:34:88",
        disks: [try await LabDisk.make(path: lab.folder + "/system.qcow2", serial: "SYSTEM1", gibibytes: 24)])
      machine.interfaceModel = "e1000"
      machine.medium = medium
      return machine
    }
  }
}
