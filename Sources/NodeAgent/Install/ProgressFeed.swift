import AgentProtocol
import Synchronization

/// The newest progress of the install, sent to the appliance about once a second: a slow network slows no disk.
final class ProgressFeed: Sendable {
  private struct State {
    var report: ProgressReport?
    var step = InstallStep.claim
  }

  private let state = Mutex(State())
  private let log: AgentLog

  init(log: AgentLog) { self.log = log }

  var step: InstallStep { state.withLock { $0.step } }

  func note(_ step: InstallStep, fraction: Double? = nil, _ detail: String) {
    state.withLock { state in
      state.step = step
      state.report = ProgressReport(step: step, fraction: fraction, detail: detail)
    }
  }

  /// Sends what is new, if anything is. A report that gets lost is not sent again, its log lines are.
  func send(by link: ApplianceLink) async {
    let waiting = state.withLock { state in
      defer { state.report = nil }
      return state.report
    }
    let lines = log.takeUnreported()
    guard waiting != nil || !lines.isEmpty else { return }
    var report = waiting ?? ProgressReport(step: step, detail: lines.last ?? "")
    report.logLines = lines
    do { try await link.post(AgentPath.progress, report) } catch { log.giveBack(lines) }
  }

  /// Sends until the surrounding task is cancelled.
  func run(by link: ApplianceLink, interval: Duration) async {
    while !Task.isCancelled {
      await send(by: link)
      do { try await Task.sleep(for: interval) } catch { return }
    }
  }
}
