import ArgumentParser
import BootDecision
import Fleet
import Foundation
import OperatorAPI

struct Watch: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "watch",
    abstract:
      "Follow a machine live until it is active, with its data restored where that was asked for, or needs somebody.",
    discussion: "Ends with 0 when the machine is active or was wiped, with 1 when it failed or is frozen.")

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "The machine's name or a MAC address of it.") var name: String
  @Option(help: "Give up after so many seconds; 0 waits for ever.") var timeout: Int = 0

  func run() async throws {
    try await reportingFailures {
      let client = appliance.client
      let path = "/v1/machines/\(pathComponent(name))"
      let line = ProgressLine()
      let deadline = timeout > 0 ? ContinuousClock.now + .seconds(timeout) : nil
      var last: Int64 = 0
      let since = Date()
      var told: Set<String> = []
      var wasWiping = false
      while true {
        let events: [FleetEvent] = try await client.get("\(path)/events?after=\(last)")
        for event in events {
          line.end()
          try show(event, json: appliance.json) { text(of: event) }
          last = event.id ?? last
        }
        for row in try await client.get("\(path)/why", as: WhyAnswer.self).decisions.reversed() where row.at >= since {
          guard told.insert(row.decision).inserted else { continue }
          line.end()
          try show(row, json: appliance.json) { text(of: row) }
        }
        let machine = try await client.get(path, as: MachineDetail.self).machine
        switch machine.state {
        case .active:
          // The rebuild has ended once the data is back.
          guard let restore = machine.restore else { return line.end() }
          if !restore.isOpen {
            line.end()
            guard restore.missing.isEmpty else {
              throw CommandFailure.failed(
                "\(machine.name) is active, but \(restore.standing): machine show \(machine.name)")
            }
            return
          }
        case .wiping: wasWiping = true
        case .approved where wasWiping: return line.end()
        case .failed, .frozen:
          line.end()
          throw CommandFailure.failed(
            "\(machine.name) \(machine.state == .failed ? "failed" : "is frozen"): \(machine.reason ?? "no reason given"); "
              + "see 'bootstead why \(machine.name)', then 'bootstead machine approve \(machine.name)'")
        case .approved:
          line.end()
          throw CommandFailure.failed(
            "\(machine.name) is approved, but no install is armed any more: bootstead machine approve \(machine.name)")
        default: break
        }
        if let progress = machine.progress, let fraction = progress.fraction, !appliance.json {
          line.show(progress.step, fraction: fraction, progress.detail ?? "")
        }
        if let deadline, ContinuousClock.now > deadline {
          line.end()
          throw CommandFailure.failed("\(machine.name) is still \(machine.state.rawValue) after \(timeout) s")
        }
        try await Task.sleep(for: .milliseconds(500))
      }
    }
  }

  private func text(of row: WhyAnswer.Row) -> String {
    let time = row.at.formatted(.iso8601.time(includingFractionalSeconds: false))
    guard let record = try? JSONDecoder().decode(BootDecisionRecord.self, from: Data(row.decision.utf8)) else {
      return "\(time)  \(row.decision)"
    }
    let asked =
      switch record.client.kind {
      case .pxe: "its firmware asked (PXE)"
      case .httpClient: "its firmware asked (UEFI HTTP boot)"
      case .iPXE: "iPXE asked"
      }
    return "\(time)  \(asked): \(record.decision.bootFile ?? record.decision.verdict.rawValue)"
  }

  private func text(of event: FleetEvent) -> String {
    let time = event.at.formatted(.iso8601.time(includingFractionalSeconds: false))
    let state = event.state.map { "[\($0.rawValue)] " } ?? ""
    return "\(time)  \(state)\(event.text)"
  }
}
