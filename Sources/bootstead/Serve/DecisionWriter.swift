import BootDecision
import Fleet
import Foundation
import Logging
import NetworkAddress
import ServiceLifecycle

/// Stores boot decisions behind the answers: what waits here has already been sent.
struct DecisionWriter: Service {
  let decisions: AsyncStream<BootDecisionRecord>
  let fleet: Fleet
  let logger: Logger

  func run() async throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    for await record in decisions.cancelOnGracefulShutdown() {
      if let machine = record.decision.machine {
        logger.info(
          "\(record.decision.verdict.rawValue)",
          metadata: [
            "machine": "\(machine)", "mac": "\(record.client.mac)", "client": "\(record.client.kind.rawValue)",
            "file": "\(record.decision.bootFile ?? "-")",
            "reasons": "\(record.decision.reasons.map(\.rawValue).joined(separator: ","))",
          ])
      }
      do {
        let row = Fleet.StoredDecision(
          at: Date(timeIntervalSince1970: Double(record.time) / 1000), mac: record.client.mac,
          decision: String(decoding: try encoder.encode(record), as: UTF8.self))
        try await fleet.store([row])
      } catch {
        logger.error("a boot decision could not be stored: \(error)")
      }
    }
  }
}
