import ArgumentParser
import Fleet

struct ApplyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apply", abstract: "Have running nodes change to the systems that are set for them.",
    discussion: """
      Prints first what it will do, and asks. A node that does not reach the appliance from its new system in time, or \
      where a named unit is not active, goes back to its old system by itself. With -f it makes the registry what the \
      fleet that a folder declares says; running nodes stay as they are.
      """)

  @OptionGroup var appliance: ApplianceOptions
  @OptionGroup var consent: OperatorConsent
  @OptionGroup var options: RolloutOptions
  @Argument(help: "Names or MAC addresses of machines.") var names: [String] = []
  @Flag(help: "All machines that run another system than the one that is set.") var all = false
  @Option(help: "The machine that goes first; the others wait for its success.") var canary: String?

  @Option(name: .customShort("f"), help: "A folder that declares a fleet.") var folder: String?

  func validate() throws {
    if folder != nil {
      guard !all, names.isEmpty, canary == nil, options.unit.isEmpty else {
        throw ValidationError("-f changes the registry alone: name no machines, canary or units")
      }
      return
    }
    guard all != !names.isEmpty else { throw ValidationError("name machines, or give --all") }
  }

  func run() async throws {
    try await reportingFailures {
      if let folder {
        if options.dryRun { return try await planDeclaration(folder, appliance) }
        return try await applyDeclaration(folder, appliance, consent)
      }
      try await options.order(.apply, names, canary: canary, appliance, consent)
    }
  }
}
