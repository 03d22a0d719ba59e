import AgentProtocol
import ArgumentParser
import DiskLayout
import Fleet
import Foundation
import NetworkAddress

struct MachineShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show all that is known of a machine.")

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "The machine's name or a MAC address of it.") var name: String

  func run() async throws {
    try await reportingFailures {
      let detail: MachineDetail = try await appliance.client.get("/v1/machines/\(pathComponent(name))")
      try show(detail, json: appliance.json) { text(of: detail) }
    }
  }

  private func text(of detail: MachineDetail) -> String {
    let machine = detail.machine
    var lines = [
      "name       \(machine.name)", "state      \(machine.state.rawValue)",
      "addresses  \(detail.addresses.map(\.description).joined(separator: ", "))",
      "seen       \(ageText(machine.lastSeen))",
    ]
    func add(_ title: String, _ value: String?) {
      if let value { lines.append(title.padding(toLength: 11, withPad: " ", startingAt: 0) + value) }
    }
    add("reason", machine.reason)
    add("code", detail.code?.description)
    add("trust", machine.trust?.rawValue)
    add("product", machine.product)
    add("serial", machine.serial)
    add("uuid", machine.uuid?.description)
    add("role", machine.role)
    add("stacks", machine.stacks.isEmpty ? nil : machine.stacks.joined(separator: ", "))
    add("closure", machine.closure)
    add("runs", machine.runningClosure)
    add("no layout", machine.planRefusal)
    add("may erase", detail.consents.isEmpty ? nil : detail.consents.joined(separator: ", "))
    if let inventory = machine.inventory {
      add(
        "processor",
        "\(inventory.processor.model ?? inventory.processor.architecture), \(inventory.processor.threads) threads")
      add("memory", byteText(inventory.memoryBytes))
      add("firmware", "\(inventory.firmware.kind.rawValue), Secure Boot \(inventory.firmware.secureBoot.rawValue)")
      for interface in inventory.interfaces {
        add(
          "nic",
          "\(interface.name) \(interface.mac) \(interface.driver ?? "") \(interface.hasLink ? "link" : "no link")")
      }
      for disk in inventory.disks.disks {
        add("disk", disk.summary)
        for finding in disk.contents.findings { add("", "  " + finding) }
      }
    }
    if let plan = machine.plan { lines.append("\n" + plan.preview(width: 78)) }
    return lines.joined(separator: "\n")
  }
}
