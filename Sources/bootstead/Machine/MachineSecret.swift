import ArgumentParser
import Fleet
import Foundation

struct MachineSecret: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "secret", abstract: "Store a secret for a machine, read from standard input.",
    discussion: """
      It leaves the appliance only sealed to a key that the node made itself. A running node gets it with its next \
      report, and restarts the services that use it.
      """)

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "The machine's name or a MAC address of it.") var name: String
  @Argument(help: "The secret's name: a-z, 0-9, '.', '_' and '-'.") var secret: String
  @Flag(help: "Give it also to a machine whose short code nobody compared.") var firstUse = false
  @Flag(help: "Delete it here, and from the running node.") var remove = false

  func validate() throws {
    if remove, firstUse { throw ValidationError("--remove deletes the secret: --first-use says nothing then") }
  }

  func run() async throws {
    try await reportingFailures {
      let path = "/v1/machines/\(pathComponent(name))/secrets/\(pathComponent(secret))"
      if remove {
        try await appliance.client.perform("DELETE", path)
        return try show(["removed": secret], json: appliance.json) { "the secret '\(secret)' is deleted" }
      }
      guard isatty(STDIN_FILENO) == 0 else {
        throw CommandFailure.failed(
          "give the secret on standard input: bootstead machine secret \(name) \(secret) < FILE")
      }
      let value = FileHandle.standardInput.readDataToEndOfFile()
      guard !value.isEmpty, value.count <= 1 << 20 else {
        throw CommandFailure.failed("a secret has 1 byte to 1 MiB; standard input gave \(value.count) bytes")
      }
      try await appliance.client.perform("PUT", "\(path)?first-use=\(firstUse)", body: value)
      try show(["stored": secret], json: appliance.json) { "the secret '\(secret)' is stored" }
    }
  }
}

struct MachineSecrets: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "secrets", abstract: "The names of a machine's secrets, and which of them its node has.")

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "The machine's name or a MAC address of it.") var name: String

  func run() async throws {
    try await reportingFailures {
      let secrets: [SecretStanding] = try await appliance.client.get("/v1/machines/\(pathComponent(name))/secrets")
      try show(secrets, json: appliance.json) {
        guard !secrets.isEmpty else { return "\(name) has no secrets" }
        var table = TableOutput("SECRET", "ON THE NODE", "FOR A MACHINE")
        table.rows = secrets.map {
          [$0.name, $0.isOnNode ? "yes" : "no", $0.firstUse ? "on first use" : "whose code was compared"]
        }
        return table.text
      }
    }
  }
}
