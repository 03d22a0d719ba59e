import ProgramRunner
import StackSet

/// Tells a monitor, such as Healthchecks, that a run starts, succeeds or fails.
struct BackupPing: Sendable {
  enum Event: String, Sendable {
    case start = "/start"
    case success = ""
    case fail = "/fail"
  }

  /// What the monitor hears of.
  enum Job: Sendable, Hashable {
    /// A run of a plan.
    case run(plan: String)
    case testRestore, prune, check

    /// In the configuration, and in place of `{plan}` in a URL.
    var name: String {
      switch self {
      case .run(let plan): plan
      case .testRestore: "test-restore"
      case .prune: "prune"
      case .check: "check"
      }
    }
  }

  let job: Job
  /// The machine's name.
  let machine: String
  /// The file with the URL.
  let file: String?
  /// Whether the URL is this job's alone. One for all tells of nothing but runs, unless it has a place for the job's name.
  let isOwn: Bool
  let runner: any CommandRunner
  let say: @Sendable (String) -> Void

  /// A monitor that does not answer is no reason to make no backup, but it is said.
  func send(_ event: Event, text: String = "") async {
    guard let file else { return }
    do {
      guard let bytes = try DurableFile.bytes(of: file) else {
        throw NodeWorkError(
          .configuration, "the ping URL is not in \(file)", advice: "run 'bootstead-agent secrets apply'")
      }
      let text = text.replacing("\\", with: "\\\\").replacing("\"", with: "'").replacing("\n", with: "\\n")
      guard let url = url(String(decoding: bytes, as: UTF8.self), event) else { return }
      // The URL is a secret: on curl's standard input, and in none of its messages.
      var command = Command(
        "curl", ["--silent", "--fail", "--max-time", "20", "--retry", "3", "--output", "/dev/null", "--config", "-"],
        timeout: .seconds(120))
      command.input = "url = \"\(url)\"\ndata-raw = \"\(text)\"\n"
      try await runner.work(command)
    } catch {
      say("the monitor could not be told: \(error)")
    }
  }

  /// With the names in their places, and the event at the end of the path: a query, such as Healthchecks' `?create=1`, comes
  /// after it.
  /// - Returns: nil where the URL is not for this job.
  private func url(_ text: String, _ event: Event) -> String? {
    let url = text.filter { !$0.isWhitespace && $0 != "\"" && $0 != "\\" }
    let isRun = if case .run = job { true } else { false }
    guard isRun || isOwn || url.contains("{plan}") else { return nil }
    let named = url.replacing("{plan}", with: job.name).replacing("{machine}", with: machine)
    let query = named.firstIndex(of: "?") ?? named.endIndex
    return named[..<query] + event.rawValue + named[query...]
  }
}

extension BackupEngine {
  func ping(_ job: BackupPing.Job, _ configuration: BackupConfiguration) -> BackupPing {
    let own = configuration.pings?[job.name]
    return BackupPing(
      job: job, machine: set.machine, file: own ?? configuration.ping, isOwn: own != nil, runner: runner, say: say)
  }

  /// Tells the monitor that work begins and how it ended, also where it could not begin.
  /// - Parameter report: whether it succeeded, and a line for each thing that was done.
  func pinged<Value>(
    _ job: BackupPing.Job, _ configuration: BackupConfiguration, report: (Value) -> (isGood: Bool, lines: [String]),
    _ work: () async throws(NodeWorkError) -> Value
  ) async throws(NodeWorkError) -> Value {
    let ping = ping(job, configuration)
    await ping.send(.start)
    do {
      let value = try await work()
      let (isGood, lines) = report(value)
      await ping.send(isGood ? .success : .fail, text: lines.joined(separator: "\n"))
      return value
    } catch {
      await ping.send(.fail, text: "\(error)")
      throw error
    }
  }
}

extension BackupConfiguration {
  /// Tells the monitor of a run that could not even begin, such as for want of a stack set.
  public func pingFailure(ofRun plan: String, _ error: NodeWorkError, runner: any CommandRunner) async {
    let own = pings?[plan]
    let ping = BackupPing(
      job: .run(plan: plan), machine: "", file: own ?? ping, isOwn: own != nil, runner: runner, say: { _ in })
    await ping.send(.fail, text: "\(error)")
  }
}
