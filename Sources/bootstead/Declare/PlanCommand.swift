import ArgumentParser

struct PlanCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan", abstract: "Print what a declared fleet would change.")

  @OptionGroup var appliance: ApplianceOptions
  @Option(name: [.customShort("f"), .customLong("folder")], help: "The folder that declares the fleet.") var folder:
    String

  func run() async throws { try await reportingFailures { try await planDeclaration(folder, appliance) } }
}

struct ApplyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apply", abstract: "Make the registry what a declared fleet says, after consent.")

  @OptionGroup var appliance: ApplianceOptions
  @OptionGroup var consent: OperatorConsent
  @Option(name: [.customShort("f"), .customLong("folder")], help: "The folder that declares the fleet.") var folder:
    String

  func run() async throws { try await reportingFailures { try await applyDeclaration(folder, appliance, consent) } }
}
