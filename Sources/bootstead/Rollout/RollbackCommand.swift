import ArgumentParser
import Fleet

struct RollbackCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rollback", abstract: "Have a running node change back to its last good system before this one.",
    discussion: "That system becomes the one that is set for it.")

  @OptionGroup var appliance: ApplianceOptions
  @OptionGroup var consent: OperatorConsent
  @OptionGroup var options: RolloutOptions
  @Argument(help: "The machine's name or a MAC address of it.") var name: String

  func run() async throws {
    try await reportingFailures { try await options.order(.rollback, [name], appliance, consent) }
  }
}

struct MachineRelease: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "release", abstract: "Have a running node change to the golden system; its data stays.",
    discussion: "That system becomes the one that is set for it. 'bootstead fleet golden' says which it is.")

  @OptionGroup var appliance: ApplianceOptions
  @OptionGroup var consent: OperatorConsent
  @OptionGroup var options: RolloutOptions
  @Argument(help: "The machine's name or a MAC address of it.") var name: String

  func run() async throws {
    try await reportingFailures { try await options.order(.release, [name], appliance, consent) }
  }
}
