import ArgumentParser
import Foundation
import NodeFlake
import StackSet

struct StackSecrets: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "secrets", abstract: "The secrets that a machine's stacks read, and which are not stored yet.",
    discussion: """
      Ends with 1 while any is missing. --make stores a random value for each missing one that only its own programs have \
      to know; the others are yours to give: bootstead machine secret NAME SECRET < FILE.
      """)

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "The machine's name or a MAC address of it.") var name: String
  @Flag(help: "Make those that can be made.") var make = false
  @Flag(help: "With --make: give them also to a machine whose short code nobody compared.") var firstUse = false

  func validate() throws {
    if firstUse, !make { throw ValidationError("--first-use is for what --make stores") }
  }

  func run() async throws {
    try await reportingFailures {
      let path = "/v1/machines/\(pathComponent(name))"
      var standing: StackStanding = try await appliance.client.get(path + "/stacks")
      guard standing.problems.isEmpty else {
        throw CommandFailure.failed(
          "the stacks of '\(standing.machine)' are refused:" + standing.problems.map { "\n  \($0)" }.joined())
      }
      if make {
        for secret in standing.missing {
          guard let generation = secret.generate else { continue }
          try await appliance.client.perform(
            "PUT", "\(path)/secrets/\(pathComponent(secret.name))?first-use=\(firstUse)", body: generation.value())
        }
        standing = try await appliance.client.get(path + "/stacks")
      }
      try show(standing, json: appliance.json) { Self.text(standing) }
      if !standing.missing.isEmpty { throw ExitCode(1) }
    }
  }

  private static func text(_ standing: StackStanding) -> String {
    guard !standing.secrets.isEmpty else { return "the stacks of \(standing.machine) read no secrets" }
    var table = TableOutput("SECRET", "STORED", "ON THE NODE", "READ BY")
    table.rows = standing.secrets.map {
      let stored = $0.isStored ? "yes" : $0.generate == nil ? "NO, yours to give" : "NO, --make makes it"
      return [$0.name, stored, $0.isOnNode ? "yes" : "no", $0.uses.joined(separator: ", ")]
    }
    return table.text
  }
}

extension StackSecret.Generation {
  /// A new value, of the operating system's random numbers.
  func value() -> Data {
    var generator = SystemRandomNumberGenerator()
    let bytes = (0..<bytes).map { _ in UInt8.random(in: 0...255, using: &generator) }
    switch encoding {
    case .hex: return Data(bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined().utf8)
    case .base64: return Data(Data(bytes).base64EncodedString().utf8)
    }
  }
}

extension StackStanding {
  /// For `machine show`; nil where nothing is missing.
  var missingText: String? {
    guard !missing.isEmpty else { return nil }
    return
      "not stored yet: \(missing.map { "\($0.name) (\($0.uses.joined(separator: ", ")))" }.joined(separator: "; ")): "
      + "bootstead stack secrets \(machine)"
  }
}
