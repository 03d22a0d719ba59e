import ArgumentParser
import Fleet
import Foundation

struct MachineRename: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "rename", abstract: "Give a machine another name.")

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "The machine's name or a MAC address of it.") var name: String
  @Argument(help: "The new name.") var newName: String

  func run() async throws {
    try await reportingFailures {
      let detail: MachineDetail = try await appliance.client.send(
        "POST", "/v1/machines/\(pathComponent(name))/rename", MachineName(newName))
      try show(detail, json: appliance.json) { "it is called \(detail.machine.name) now" }
    }
  }
}

struct MachineRemove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Forget a machine; nothing on its disks changes.")

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "The machine's name or a MAC address of it.") var name: String

  func run() async throws {
    try await reportingFailures {
      try await appliance.client.perform("DELETE", "/v1/machines/\(pathComponent(name))")
      try show(["removed": name], json: appliance.json) { "\(name) is forgotten" }
    }
  }
}
