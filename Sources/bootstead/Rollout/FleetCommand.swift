import ArgumentParser
import OperatorAPI

struct FleetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fleet", abstract: "What holds for all machines.", subcommands: [FleetGolden.self])
}

struct FleetGolden: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "golden", abstract: "Show or set the system that 'machine release' gives back to a machine.")

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "The store path of the system; empty text clears it. Without it the present one is shown.")
  var closure: String?

  func run() async throws {
    try await reportingFailures {
      let client = appliance.client
      let setting: GoldenSetting =
        if let closure {
          try await client.send("PUT", "/v1/golden", GoldenSetting(closure: closure.isEmpty ? nil : closure))
        } else {
          try await client.get("/v1/golden")
        }
      try show(setting, json: appliance.json) { setting.closure ?? "no system is golden" }
    }
  }
}
