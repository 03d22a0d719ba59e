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

struct MachineSecret: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "secret", abstract: "Store a secret for a machine, read from standard input.",
    discussion: "It leaves the appliance only sealed to a key that the node made itself.")

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "The machine's name or a MAC address of it.") var name: String
  @Argument(help: "The secret's name: a-z, 0-9, '.', '_' and '-'.") var secret: String
  @Flag(help: "Give it also to a machine whose short code nobody compared.") var firstUse = false

  func run() async throws {
    try await reportingFailures {
      guard isatty(STDIN_FILENO) == 0 else {
        throw CommandFailure.failed(
          "give the secret on standard input: bootstead machine secret \(name) \(secret) < FILE")
      }
      let value = FileHandle.standardInput.readDataToEndOfFile()
      guard !value.isEmpty, value.count <= 1 << 20 else {
        throw CommandFailure.failed("a secret has 1 byte to 1 MiB; standard input gave \(value.count) bytes")
      }
      try await appliance.client.perform(
        "PUT", "/v1/machines/\(pathComponent(name))/secrets/\(pathComponent(secret))?first-use=\(firstUse)", body: value
      )
      try show(["stored": secret], json: appliance.json) { "the secret '\(secret)' is stored" }
    }
  }
}
