import AgentProtocol
import ArgumentParser
import DiskLayout
import Fleet
import Foundation
import NetworkAddress
import NodeFlake

struct MachineShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show all that is known of a machine.")

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "The machine's name or a MAC address of it.") var name: String

  func run() async throws {
    try await reportingFailures {
      let path = "/v1/machines/\(pathComponent(name))"
      let detail: MachineDetail = try await appliance.client.get(path)
      var secrets: String?
      if !appliance.json, !detail.machine.stacks.isEmpty { secrets = await stackSecrets(path) }
      try show(detail, json: appliance.json) { text(of: detail, secrets: secrets) }
    }
  }

  /// What its stacks lack; also where that can not be told.
  private func stackSecrets(_ path: String) async -> String? {
    do {
      let standing: StackStanding = try await appliance.client.get(path + "/stacks")
      return standing.problems.isEmpty
        ? standing.missingText : "the stacks are refused: \(standing.problems.joined(separator: "; "))"
    } catch { return "not known: \(error)" }
  }

  private func text(of detail: MachineDetail, secrets: String?) -> String {
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
    add("secrets", secrets)
    add("closure", machine.closure)
    add("runs", machine.runningClosure)
    add(
      "built",
      detail.build.map { build in
        let place = build.onMachine ? "on the machine itself, " : ""
        return "\(build.closure), \(place)\(ageText(build.at)), nixpkgs \(build.nixpkgs ?? "not known"), "
          + "flake \(build.flake.prefix(12))"
      })
    if machine.hasDrifted {
      add(
        "drift",
        "runs another system than the one that is set, since \(ageText(machine.driftSince)): "
          + "bootstead plan \(machine.name)")
    }
    if let order = detail.rollout { add("rollout", RolloutText.standing(order)) }
    add("held", detail.hold)
    add("waits", machine.planRefusal)
    add(
      "evidence",
      machine.evidenceRefusal.map {
        "\($0). If it is that machine nevertheless: bootstead machine approve \(machine.name) --code CODE"
      })
    if let order = machine.rebuild { for line in text(of: order) { add("rebuild", line) } }
    for disk in machine.wipe?.disks ?? [] { add("wipe", "\(disk.identifier), serial \(disk.serial ?? "none")") }
    add("restart", machine.networkBoot.map { $0.deliveredAt == nil ? "ordered, not heard yet" : "ordered and heard" })
    if let comparison = machine.comparison {
      add(
        "data",
        comparison.isEqual
          ? "the same before and after the rebuild (\(comparison.before.count) volumes)" : "DIFFERS SINCE THE REBUILD")
      for difference in comparison.differences { add("data", difference) }
    }
    if let restore = machine.restore {
      add("restore", restore.standing)
      for stack in restore.stacks { add("", stack.text) }
    }
    for move in detail.moves { add("move", move.standing) }
    for alarm in detail.alarms { add("alarm", "\(alarm.text) (since \(ageText(alarm.since)))") }
    for disk in machine.installedDisks ?? [] {
      let group = disk.volumeGroupName.map { ", volume group \($0) \(disk.volumeGroupUUID ?? "")" } ?? ""
      add("recorded", "\(disk.identifier), serial \(disk.serial ?? "not recorded")\(group)")
    }
    if let newest = detail.saved.last {
      add(
        "saved",
        "\(detail.saved.count) states of its disks, the newest \(ageText(newest)): machine saved \(machine.name)")
    }
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
    lines += FactsText.standing(detail.hardware)
    if let plan = machine.plan { lines.append("\n" + plan.preview(width: 78)) }
    return lines.joined(separator: "\n")
  }

  private func text(of order: RebuildOrder) -> [String] {
    let task = order.task
    var lines = [task.volumeGroupUUID.map { "keeps the volume group \($0)" } ?? "keeps no recorded volume group"]
    lines += task.disks.map { "expects the disk \($0.identifier), serial \($0.serial ?? "not recorded")" }
    if !order.loseData.isEmpty { lines.append("may lose the data on \(order.loseData.joined(separator: ", "))") }
    if task.mayRepairPool { lines.append("may repair the pool") }
    lines.append(order.begun ? "begun" : "not begun")
    return lines
  }
}
