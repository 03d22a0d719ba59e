import Fleet
import Logging
import ServiceLifecycle

/// Looks now and then for what time has ended, so that lists and pages tell it although no machine asks.
struct OverdueWatch: Service {
  let fleet: Fleet
  /// In seconds, see ``Fleet/endOverdue(takeoverSilence:)``.
  let takeoverSilence: Double
  let logger: Logger

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        do {
          for machine in try await fleet.endOverdue(takeoverSilence: takeoverSilence) {
            logger.info("\(machine): its time is over")
          }
        } catch is CancellationError {
          return
        } catch {
          logger.error("what is overdue was not looked for: \(error)")
        }
        do { try await Task.sleep(for: .seconds(20)) } catch { return }
      }
    }
  }
}
