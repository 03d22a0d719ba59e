import AgentProtocol
import ArgumentParser
import DiskLayout
import Fleet
import Foundation

struct LayoutCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "layout", abstract: "How disks are laid out.", subcommands: [LayoutPreview.self])
}

struct LayoutPreview: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "preview", abstract: "Draw what an install would make of a machine's disks; nothing is written.",
    discussion:
      "Give the name of a machine whose inventory is known, or a file made by 'bootstead-agent inventory --json'.")

  @OptionGroup var appliance: ApplianceOptions
  @OptionGroup var layout: LayoutOptions
  @Argument(help: "The machine's name.") var name: String?
  @Option(help: "A file with an inventory, instead of a machine.") var inventory: String?
  @Option(help: "Suppose consent to erase this disk, by serial number. May be repeated.") var wipe: [String] = []

  func validate() throws {
    guard (name == nil) != (inventory == nil) else { throw ValidationError("name a machine, or give --inventory FILE") }
  }

  func run() async throws {
    try await reportingFailures {
      var spec = LayoutSpec()
      var disks = DiskInventory()
      var identity = LayoutIdentity(machineName: "preview", machineID: "preview", installID: "preview")
      var consents = Set(wipe)
      if let name {
        let detail: MachineDetail = try await appliance.client.get("/v1/machines/\(pathComponent(name))")
        guard let known = detail.machine.inventory else {
          throw CommandFailure.failed("'\(name)' has not reported its disks yet: boot it from the network once")
        }
        (spec, disks) = (detail.machine.layout, known.disks)
        consents.formUnion(detail.consents)
        identity = LayoutIdentity(
          machineName: detail.machine.name.text, machineID: detail.machine.identifier, installID: detail.machine.install
        )
      } else if let inventory {
        guard let data = FileManager.default.contents(atPath: inventory) else {
          throw CommandFailure.failed("\(inventory) can not be read")
        }
        disks = try inventoryDisks(data, path: inventory)
      }
      try layout.apply(to: &spec)
      let plan: LayoutPlan
      do {
        plan = try LayoutPlanner.plan(
          inventory: disks, spec: spec, consent: Consent(wipe: consents), identity: identity)
      } catch {
        throw CommandFailure.failed("\(error)")
      }
      try show(plan, json: appliance.json) { plan.preview(width: 78) }
    }
  }

  private func inventoryDisks(_ data: Data, path: String) throws -> DiskInventory {
    struct Whole: Decodable { var disks: DiskInventory }
    if let whole = try? JSONDecoder().decode(Whole.self, from: data) { return whole.disks }
    do {
      return try JSONDecoder().decode(DiskInventory.self, from: data)
    } catch {
      throw CommandFailure.failed("\(path) is no inventory: \(error)")
    }
  }
}
