import AgentProtocol
import ArgumentParser
import DiskLayout
import Fleet
import Foundation

struct MachineWipe: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "wipe", abstract: "Erase disks of a machine at its next network boot: all on them is lost.")

  @OptionGroup var appliance: ApplianceOptions
  @OptionGroup var consent: OperatorConsent
  @Argument(help: "The machine's name or a MAC address of it.") var name: String
  @Option(help: "A disk by its serial number. May be repeated.") var disk: [String]
  @Flag(help: "Tell the running node to start from the network at once.") var now = false
  @Option(help: "Minutes for which the wipe stays armed.") var window: Int = 60

  func run() async throws {
    try await reportingFailures {
      let client = appliance.client
      let path = "/v1/machines/\(pathComponent(name))"
      let current: MachineDetail = try await client.get(path)
      if !appliance.json {
        print("wipe        \(current.machine.name), which is \(current.machine.state.rawValue)")
        for disk in disk { print(terminalText("LOST        all on \(description(of: disk, current.machine))")) }
      }
      try consent.ask("Erase \(disk.count == 1 ? "this disk" : "these disks") of \(current.machine.name)?")
      var request = WipeRequest(disks: disk)
      request.now = now
      request.window = Double(window) * 60
      let detail: MachineDetail = try await client.send("POST", path + "/wipe", request)
      try show(detail, json: appliance.json) {
        let watch = "bootstead watch \(detail.machine.name)"
        let armed = "\(detail.machine.name) is \(detail.machine.state.rawValue) for \(window) minutes"
        return now
          ? networkBootText(detail.machine, armed: armed, then: watch)
          : "\(armed): start it from the network, then: \(watch)"
      }
    }
  }

  private func description(of name: String, _ machine: Machine) -> String {
    let disks = machine.inventory?.disks.disks ?? []
    let found = disks.first { $0.serial == name || $0.id == name || $0.aliases.contains(name) }
    return found.map { ([$0.summary] + $0.contents.findings).joined(separator: "\n            ") } ?? name
  }
}

struct MachineForget: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forget",
    abstract: "Forget a machine that is given away: its keys, its secrets, and what a rebuild would need.",
    discussion: "Nothing on its disks changes; 'bootstead machine wipe' erases them. It may come back as new hardware.")

  @OptionGroup var appliance: ApplianceOptions
  @OptionGroup var consent: OperatorConsent
  @Argument(help: "The machine's name or a MAC address of it.") var name: String

  func run() async throws {
    try await reportingFailures {
      let client = appliance.client
      let path = "/v1/machines/\(pathComponent(name))"
      let machine = try await client.get(path, as: MachineDetail.self).machine
      try consent.ask("Forget \(machine.name), which is \(machine.state.rawValue), and all that a rebuild would need?")
      try await client.perform("POST", path + "/forget")
      try show(["forgotten": machine.name.text], json: appliance.json) {
        "\(machine.name) is forgotten; what is on its disks stays there"
      }
    }
  }
}
