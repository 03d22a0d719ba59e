import AgentProtocol
import Synchronization

/// The newest progress of the install, sent to the appliance about once a second: a slow network slows no disk.
final class ProgressFeed: Sendable {
  private struct State {
    /// What no report has carried yet.
    var fresh: ProgressReport?
    var last = ProgressReport(step: .claim, detail: "")
    var silentRounds = 0
  }

  private let state = Mutex(State())
  private let log: AgentLog

  init(log: AgentLog) { self.log = log }

  var step: InstallStep { state.withLock { $0.last.step } }

  func note(_ step: InstallStep, fraction: Double? = nil, _ detail: String) {
    state.withLock { state in
      state.last = ProgressReport(step: step, fraction: fraction, detail: detail)
      state.fresh = state.last
    }
  }

  /// Sends what is new; where nothing is, now and then the last again, so that the appliance knows that this agent
  /// lives. A report that gets lost is not sent again, its log lines are.
  func send(by link: ApplianceLink) async {
    let lines = log.takeUnreported()
    let due = state.withLock { state -> ProgressReport? in
      defer { state.fresh = nil }
      state.silentRounds += 1
      guard state.fresh != nil || !lines.isEmpty || state.silentRounds >= 5 else { return nil }
      state.silentRounds = 0
      return state.fresh ?? state.last
    }
    guard var report = due else { return }
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
