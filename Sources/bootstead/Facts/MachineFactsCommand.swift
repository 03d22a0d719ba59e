import AgentProtocol
import ArgumentParser
import Fleet
import Foundation

struct MachineFactsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "facts", abstract: "Show what a machine consists of, and what changed.",
    discussion: """
      Drift is measured against the facts that were accepted last, by 'machine accept-facts', or the first ones.
      """)

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "The machine's name or a MAC address of it.") var name: String
  @Flag(help: "Show what is different from the accepted facts, and the history.") var diff = false

  func run() async throws {
    try await reportingFailures {
      let answer: FactsAnswer = try await appliance.client.get("/v1/machines/\(pathComponent(name))/facts")
      try show(answer, json: appliance.json) { diff ? FactsText.differences(answer) : FactsText.facts(answer) }
    }
  }
}

struct MachineAcceptFacts: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "accept-facts", abstract: "Take a machine's hardware as it is now, and let a held install go on.")

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "The machine's name or a MAC address of it.") var name: String

  func run() async throws {
    try await reportingFailures {
      let path = "/v1/machines/\(pathComponent(name))/facts"
      let seen: FactsAnswer = try await appliance.client.get(path)
      let answer: FactsAnswer = try await appliance.client.send(
        "POST", path + "/accept", AcceptFacts(record: seen.records.first?.id))
      try show(answer, json: appliance.json) {
        let accepted = seen.standing.drift.map { "\n  " + $0.text }.joined()
        return accepted.isEmpty
          ? "the hardware of \(answer.machine) is accepted; nothing had changed"
          : "the hardware of \(answer.machine) is accepted as it is:" + accepted
      }
    }
  }
}

struct MachineExamine: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "examine", abstract: "Have a machine's disks looked at: SMART health and a short read test.",
    discussion: """
      The agent in the installer does it as soon as it waits for a task, before an install. It reads at most 256 MiB of \
      each disk, for at most a minute, and writes nothing. 'machine facts NAME' shows what it found.
      """)

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "The machine's name or a MAC address of it.") var name: String
  @Option(help: "smart or read-test; both without it. May be repeated.") var check: [String] = []

  func run() async throws {
    try await reportingFailures {
      let checks = try check.map { text in
        guard let check = HardwareCheck(rawValue: text) else {
          throw ValidationError("--check '\(text)' is not smart or read-test")
        }
        return check
      }
      let answer: FactsAnswer = try await appliance.client.send(
        "POST", "/v1/machines/\(pathComponent(name))/facts/examine",
        ExamineMachine(checks: checks.isEmpty ? HardwareCheck.allCases : checks))
      try show(answer, json: appliance.json) {
        "\(answer.machine) is examined as soon as its agent waits in the installer: "
          + answer.standing.wanted.map(\.rawValue).joined(separator: ", ")
      }
    }
  }
}

/// `--hold-on drift,smart,read-test`
func hardwareHolds(_ text: String) throws -> [HardwareHold] {
  try text.split(separator: ",").map { part in
    guard let hold = HardwareHold(rawValue: String(part)) else {
      throw ValidationError("--hold-on '\(part)' is not drift, smart or read-test")
    }
    return hold
  }
}
