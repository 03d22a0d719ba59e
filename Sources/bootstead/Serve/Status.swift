import ArgumentParser
import OperatorAPI

struct Status: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "status", abstract: "Show what the appliance does.")

  @OptionGroup var appliance: ApplianceOptions

  func run() async throws {
    try await reportingFailures {
      let status: StatusAnswer = try await appliance.client.get("/v1/status")
      try show(status, json: appliance.json) {
        var lines = [
          "version    \(status.version), started \(ageText(status.startedAt))",
          "addresses  \(status.addresses.joined(separator: ", ")), HTTP port \(status.httpPort)",
          "enrolment  \(status.enrolment)", "cache key  \(status.cachePublicKey)",
          "machines   \(status.machines.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", "))",
        ]
        lines += status.otherServers.map { "attention  \($0)" }
        lines += (status.alarms ?? []).map { "alarm      \($0)" }
        for (name, value) in status.counters.sorted(by: { $0.key < $1.key }) where value != 0 {
          lines.append("  \(name) \(value)")
        }
        return lines.joined(separator: "\n")
      }
    }
  }
}

struct EnrolmentCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "enrolment", abstract: "Show or set what unknown machines get.",
    discussion: """
      closed: silence. inventory: they boot, report what they are, and wait for approval. automatic: they are approved \
      as they come, and their blank disks are installed.
      """)

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "closed, inventory or automatic.") var value: String?

  func run() async throws {
    try await reportingFailures {
      let client = appliance.client
      let setting: EnrolmentSetting
      if let value {
        setting = try await client.send("PUT", "/v1/enrolment", EnrolmentSetting(enrolment: value))
      } else {
        setting = try await client.get("/v1/enrolment")
      }
      try show(setting, json: appliance.json) { setting.enrolment }
    }
  }
}

struct Version: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

  @Flag(help: "Print JSON.") var json = false

  func run() throws {
    try show(["version": bootsteadVersion], json: json) { "bootstead \(bootsteadVersion)" }
  }
}
