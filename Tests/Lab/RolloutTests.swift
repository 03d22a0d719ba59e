import Foundation
import Lab
import Testing

extension RealMachines {
  @Suite("Changing the system of a running node") struct RolloutTests {
    private struct Order: Decodable {
      var closure: String
      var result: String?
      var reason: String?
    }

    /// Waits until the newest order to the node has ended.
    private func end(_ lab: Lab, _ machine: LabMachine) async throws -> Order {
      let clock = ContinuousClock()
      let end = clock.now + .seconds(900)
      while true {
        try machine.mustRun()
        let orders = try JSONDecoder().decode([Order].self, from: try await lab.appliance.run("history", "node1"))
        if let order = orders.first, order.result != nil { return order }
        guard clock.now < end else {
          throw LabError.notSeen(what: "the end of the order", seconds: 900, tail: machine.console.tail())
        }
        try await Task.sleep(for: .seconds(2))
      }
    }

    private struct Shown: Decodable {
      struct Machine: Decodable { var runningClosure: String? }
      var machine: Machine
    }

    private func running(_ lab: Lab) async throws -> String? {
      try JSONDecoder().decode(Shown.self, from: try await lab.appliance.run("machine", "show", "node1")).machine
        .runningClosure
    }

    /// Imports a variant of the node system, sets it for the machine and orders the change.
    private func apply(_ variant: String, _ lab: Lab, seconds: Int) async throws -> String {
      let (cache, closure) = try await LabArtifacts.variant(
        variant, source: LabSetting.source, agent: LabSetting.agent, folder: LabSetting.folder + "/artifacts")
      try await lab.appliance.run("closure", "import", cache)
      try await lab.appliance.run("machine", "set", "node1", "--closure", closure)
      try await lab.appliance.run("apply", "node1", "--yes", "--seconds", String(seconds))
      return closure
    }

    @Test(
      "a node changes to a second system; from a third one, which takes its network away, it comes back by itself",
      .enabled(if: LabSetting.isFull, "BOOTSTEAD_LAB_FULL=1 runs it"))
    func thereAndBack() async throws {
      try await LabSetting.lab("rollout") { lab in
        let disk = try await LabDisk.make(path: lab.folder + "/system.qcow2", serial: "SYSTEM1", gibibytes: 24)
        let configuration = LabMachine.Configuration(
          name: "node1", firmware: .bios, mac: "52:54:00:12:34:99", disks: [disk])
        try await lab.appliance.run(
          "machine", "add", "--mac", configuration.mac, "--name", "node1", "--closure", lab.closure)
        try await lab.boot(configuration) { machine in
          try await lab.wait(for: "node1", of: machine, seconds: 1800, what: "the install") { $0.state == "active" }
          let second = try await apply("second", lab, seconds: 120)
          let change = try await end(lab, machine)
          #expect(change.closure == second && change.result == "succeeded", "\(change)")
          #expect(try await running(lab) == second)
          #expect(!machine.console.text.contains("system \(second)"))

          let lonely = try await apply("lonely", lab, seconds: 30)
          let wayBack = try await end(lab, machine)
          #expect(wayBack.closure == lonely && wayBack.result == "rolled back", "\(wayBack)")
          #expect(wayBack.reason?.contains("not sound within 30 s") == true, "\(wayBack)")
          #expect(try await running(lab) == second)
          // The network came back with a restart, and what the machine boots is the second system.
          #expect(machine.console.text.contains("system \(second)"))
          #expect(!machine.console.text.contains("system \(lonely)"))
        }
      }
    }
  }
}
