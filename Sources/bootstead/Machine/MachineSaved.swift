import AgentProtocol
import ArgumentParser
import Fleet
import Foundation

struct MachineSaved: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "saved", abstract: "Partition tables and LVM metadata that were saved before rebuilds.",
    discussion: """
      With --output the files are written for 'sfdisk DISK < FILE' and 'vgcfgrestore --file FILE GROUP'.
      """)

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "The machine's name or a MAC address of it.") var name: String
  @Option(help: "Write each saved state into a folder of its own below this one.") var output: String?

  func run() async throws {
    try await reportingFailures {
      let states: [SavedState] = try await appliance.client.get("/v1/machines/\(pathComponent(name))/saved")
      if let output {
        let written = try states.flatMap { try write($0, below: URL(fileURLWithPath: output)) }
        return try show(["written": written], json: appliance.json) {
          written.isEmpty ? "nothing was saved of \(name) yet" : written.joined(separator: "\n")
        }
      }
      try show(states, json: appliance.json) {
        states.isEmpty ? "nothing was saved of \(name) yet" : states.map(text).joined(separator: "\n")
      }
    }
  }

  private func text(of saved: SavedState) -> String {
    var lines = ["# saved \(saved.at.formatted(.iso8601)), install \(saved.install)"]
    for (disk, table) in saved.state.partitionTables.sorted(by: { $0.key < $1.key }) {
      lines += ["# partition table of \(disk)", table]
    }
    for (group, metadata) in saved.state.volumeGroups.sorted(by: { $0.key < $1.key }) {
      lines += ["# volume group \(group)", metadata]
    }
    for print in saved.state.fingerprints {
      lines.append(
        "# volume \(print.name) \(print.uuid): \(print.size) bytes, \(print.depth.rawValue) SHA-256 \(print.digest)")
    }
    return lines.joined(separator: "\n")
  }

  private func write(_ saved: SavedState, below folder: URL) throws -> [String] {
    let time = saved.at.formatted(.iso8601).replacingOccurrences(of: ":", with: "")
    let place = folder.appendingPathComponent("\(time)-\(saved.install.prefix(8))")
    var files = saved.state.partitionTables.map { ("\(fileName($0.key)).sfdisk", $0.value) }
    files += saved.state.volumeGroups.map { ("\(fileName($0.key)).vgcfg", $0.value) }
    do {
      try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
      return try files.sorted { $0.0 < $1.0 }.map { name, content in
        let file = place.appendingPathComponent(name)
        try Data(content.utf8).write(to: file)
        return file.path
      }
    } catch {
      throw CommandFailure.failed("\(place.path) can not be written: \(error.localizedDescription)")
    }
  }

  /// Names come from a machine: none may lead out of the folder.
  private func fileName(_ text: String) -> String {
    let name = String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) ? $0 : "_" })
    return name.hasPrefix(".") || name.isEmpty ? "_" + name : String(name.prefix(120))
  }
}

struct MachineLog: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "log", abstract: "The last 200 lines of a machine's agent, of an install under way or one that failed."
  )

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "The machine's name or a MAC address of it.") var name: String

  func run() async throws {
    try await reportingFailures {
      let log: AgentLogTail = try await appliance.client.get("/v1/machines/\(pathComponent(name))/log")
      try show(log, json: appliance.json) {
        guard let step = log.step else { return "no agent of \(log.machine) has sent a line yet" }
        return (["# \(log.machine), step: \(step), \(ageText(log.at))"] + log.lines).joined(separator: "\n")
      }
    }
  }
}
