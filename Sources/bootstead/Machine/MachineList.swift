import AgentProtocol
import ArgumentParser
import Fleet
import NetworkAddress

struct MachineList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "List the machines.")

  @OptionGroup var appliance: ApplianceOptions

  func run() async throws {
    try await reportingFailures {
      let machines: [MachineDetail] = try await appliance.client.get("/v1/machines")
      try show(machines, json: appliance.json) {
        if machines.isEmpty { return "no machines yet: bootstead machine add --mac MAC --name NAME" }
        var table = TableOutput("NAME", "STATE", "ADDRESSES", "CODE", "ROLE", "DOING", "SEEN")
        for detail in machines {
          let machine = detail.machine
          table.rows.append([
            machine.name.text, machine.state.rawValue, detail.addresses.map(\.description).joined(separator: ","),
            detail.code?.description ?? "-", machine.role ?? "-", doing(detail), ageText(machine.lastSeen),
          ])
        }
        return table.text
      }
    }
  }

  private func doing(_ detail: MachineDetail) -> String {
    let machine = detail.machine
    if let reason = machine.reason { return String(reason.prefix(60)) }
    if let refusal = machine.evidenceRefusal { return String(refusal.prefix(60)) }
    if let refusal = machine.planRefusal, machine.state != .active { return String(refusal.prefix(60)) }
    if let order = detail.rollout, order.endedAt == nil { return "rollout: \(order.standing)" }
    let alarms = detail.alarms.count
    if machine.state == .active, machine.hasDrifted {
      return "drift, \(ageText(machine.driftSince))" + (alarms > 0 ? ", \(alarms) alarms" : "")
    }
    if let alarm = detail.alarms.first {
      return "alarm: \(alarm.text.prefix(60))" + (alarms > 1 ? " (\(alarms) alarms)" : "")
    }
    guard let progress = machine.progress else { return "-" }
    let percent = progress.fraction.map { " \(Int($0 * 100)) %" } ?? ""
    return progress.step + percent
  }
}
