import ArgumentParser
import BootDecision
import Foundation
import OperatorAPI

struct Why: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "why", abstract: "Show each decision taken for a machine's last boots, and the rules behind it.")

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "The machine's name or a MAC address of it.") var name: String

  func run() async throws {
    try await reportingFailures {
      let answer: WhyAnswer = try await appliance.client.get("/v1/machines/\(pathComponent(name))/why")
      try show(answer, json: appliance.json) {
        var lines = ["\(answer.machine) is \(answer.state)" + (answer.reason.map { ": \($0)" } ?? "")]
        if answer.decisions.isEmpty {
          lines.append(
            "No network boot of it was seen. Check that it boots from the network, that 'bootstead status' counts its "
              + "requests, and that the appliance serves the interface it is on.")
        }
        for row in answer.decisions.reversed() { lines.append(contentsOf: text(of: row)) }
        if let tasks = answer.tasks, !tasks.isEmpty {
          lines.append("its node was asked for")
          lines.append(contentsOf: tasks.reversed().map { "    - \($0)" })
        }
        return lines.joined(separator: "\n")
      }
    }
  }

  private func text(of row: WhyAnswer.Row) -> [String] {
    let time = row.at.formatted(.iso8601)
    guard let record = try? JSONDecoder().decode(BootDecisionRecord.self, from: Data(row.decision.utf8)) else {
      return ["\(time)  \(row.decision)"]
    }
    let client = record.client
    let decision = record.decision
    var head =
      "\(time)  \(client.kind.rawValue) on \(client.interface), port \(client.port.rawValue): \(decision.verdict.rawValue)"
    if let file = decision.bootFile { head += " \(file)" }
    if let style = decision.style { head += " (\(style.rawValue))" }
    return [head] + decision.reasons.map { "    - \($0.text)" }
  }
}
