import AgentProtocol
import FoundationEssentials
import HTTPConnection
import NodeFiles
import ProgramRunner

/// The agent on an installed node: tells the appliance that the node lives.
public struct NodeReporter: Sendable {
  private let root: String
  private let log: AgentLog
  private let runner: any CommandRunner
  private let now: @Sendable () -> UInt64
  private let pause: @Sendable (Duration) async throws -> Void

  /// - Parameters:
  ///   - root: before every path that is read or written.
  ///   - runner: restarts services whose secrets have changed.
  ///   - now: seconds since 1970.
  public init(
    root: String = "", log: AgentLog, runner: any CommandRunner = SubprocessRunner(),
    now: @escaping @Sendable () -> UInt64 = { UInt64(max(0, Date().timeIntervalSince1970)) },
    pause: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
  ) {
    self.root = root
    self.log = log
    self.runner = runner
    self.now = now
    self.pause = pause
  }

  /// Sends one report, again and again until the appliance has accepted it.
  /// - Parameter alarms: looks first for what is to be seen to.
  /// - Throws: ``NodeReportError`` when the node's own files do not allow a report; when it is cancelled.
  public func run(alarms: NodeAlarmWatch? = nil) async throws {
    let session = try Session(self, alarms: alarms)
    defer { session.client.close() }
    try await alarms?.look()
    _ = try await report(session)
  }

  /// Reports for as long as the node runs, and does what the answers say. An answer that is not signed by the appliance
  /// counts as none.
  /// - Throws: as ``run()``.
  /// - Parameters:
  ///   - tasks: carries out what the appliance asks for beside its orders; a node without them is asked for nothing.
  ///   - alarms: looks for what is to be seen to, beside the reports.
  ///   - makeRollout: makes what changes the node's system, from the appliance's URL and a client for it.
  public func stay(
    networkBoot: NetworkBoot, tasks: NodeTasks? = nil, alarms: NodeAlarmWatch? = nil,
    rollout makeRollout: (String, HTTPClient) -> SystemRollout
  ) async throws {
    let session = try Session(self, tasks, alarms: alarms)
    defer { session.client.close() }
    let rollout = makeRollout(session.configuration.applianceURL, session.client)
    try await withThrowingTaskGroup(of: Void.self) { group in
      if let tasks { group.addTask { try await tasks.work() } }
      if let alarms { group.addTask { try await alarms.work() } }
      try await follow(session, networkBoot, rollout)
    }
  }

  /// Reports and obeys, again and again.
  private func follow(_ session: Session, _ networkBoot: NetworkBoot, _ rollout: SystemRollout) async throws {
    var said: String?
    while true {
      try await rollout.resume { try await attempt(session) }
      var orders = try await report(session, isQuiet: said != nil) ?? .none
      said = session.configuration.applianceURL
      if await session.tasks?.isBusy ?? false, orders.networkBoot != nil || orders.rollout != nil {
        log.say("the appliance's order waits until the task is done")
        (orders.networkBoot, orders.rollout) = (nil, nil)
      }
      if let order = orders.networkBoot {
        do { try await networkBoot.carryOut(order) } catch is CancellationError {
          throw CancellationError()
        } catch {
          log.say("the machine could not be started from the network: \(error)")
        }
      }
      if await SecretDelivery(root: root, runner: runner, log: log).carryOut(orders) {
        // The appliance hears of it at once, and sends what did not fit into this answer.
        continue
      }
      if let order = orders.rollout, try await rollout.carryOut(order, report: { try await attempt(session) }) {
        // How it ended is told at once.
        continue
      }
      if let order = orders.task, await session.tasks?.accept(order) ?? false {
        // So is that it was heard.
        continue
      }
      try await rest(.seconds(min(3600, max(5, orders.nextReport))), session)
    }
  }

  /// Waits for the next report: so long, or until a task has ended, or there are other alarms.
  private func rest(_ duration: Duration, _ session: Session) async throws {
    let (tasks, alarms) = (session.tasks, session.alarms)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { [pause] in try await pause(duration) }
      if let tasks {
        group.addTask {
          await tasks.ends.wait()
          // What it did may have ended an alarm.
          if !Task.isCancelled { alarms?.requests.ring() }
        }
      }
      if let alarms { group.addTask { await alarms.changes.wait() } }
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  /// What a report needs.
  private struct Session {
    let configuration: NodeConfiguration
    let key: SigningPrivateKey
    let client: HTTPClient
    let tasks: NodeTasks?
    let alarms: NodeAlarmWatch?

    init(_ reporter: NodeReporter, _ tasks: NodeTasks? = nil, alarms: NodeAlarmWatch? = nil) throws {
      self.tasks = tasks
      self.alarms = alarms
      configuration = try reporter.readConfiguration()
      key = try reporter.readKey()
      client = HTTPClient(endpoint: try HTTPEndpoint(url: configuration.applianceURL))
    }
  }

  private func report(_ session: Session, isQuiet: Bool = false) async throws -> NodeOrders? {
    var patience = Patience(pause: pause)
    while true {
      let numbered = try await number(session)
      do {
        let orders = try await numbered.send()
        await session.tasks?.acknowledge(numbered.report.tasks ?? [])
        if !isQuiet {
          log.say("reported to \(session.configuration.applianceURL) as \(session.configuration.machineName)")
        }
        return orders
      } catch {
        log.say("report: \(error)")
        try await patience.wait()
      }
    }
  }

  /// One report, not repeated.
  private func attempt(_ session: Session) async throws -> NodeOrders? { try await number(session).send() }

  /// A report with the number that it uses up.
  private struct NumberedReport {
    var link: ApplianceLink
    var report: NodeReport

    func send() async throws(LinkError) -> NodeOrders? {
      try await link.post(AgentPath.report, report, as: NodeOrders.self)
    }
  }

  private func number(_ session: Session) async throws -> NumberedReport {
    let tasks = await session.tasks?.reports
    let alarms = await session.alarms?.known
    // Written down before it is used: a number is never used twice, whatever happens to the clock or the power.
    let counter = max(lastCounter() + 1, now())
    try WholeFile.write(Array("\(counter)\n".utf8), to: root + NodeConfiguration.counterPath)
    let key = session.key
    return NumberedReport(
      link: ApplianceLink(
        client: session.client, appliance: session.configuration.appliancePublicKey, key: key,
        session: SessionIdentifier(node: key.publicKey), counter: counter - 1),
      report: report(session.configuration, key: key.publicKey, tasks: tasks, alarms: alarms))
  }

  fileprivate func readConfiguration() throws -> NodeConfiguration {
    guard let bytes = FileSystemEntry(root + NodeConfiguration.path).bytes() else {
      throw NodeReportError.missing(NodeConfiguration.path)
    }
    do { return try MessageCoder.decode(NodeConfiguration.self, from: bytes) } catch {
      throw NodeReportError.malformed(NodeConfiguration.path, "\(error)")
    }
  }

  fileprivate func readKey() throws -> SigningPrivateKey {
    guard let text = FileSystemEntry(root + NodeConfiguration.keyPath).line else {
      throw NodeReportError.missing(NodeConfiguration.keyPath)
    }
    guard let data = Data(base64Encoded: text), let key = try? SigningPrivateKey(secretBytes: data) else {
      throw NodeReportError.malformed(NodeConfiguration.keyPath, "it does not hold a key")
    }
    return key
  }

  private func lastCounter() -> UInt64 {
    // A damaged file counts as none: the clock gives the next number.
    min(FileSystemEntry(root + NodeConfiguration.counterPath).number ?? 0, UInt64.max / 2)
  }

  private func report(
    _ configuration: NodeConfiguration, key: SigningPublicKey, tasks: [NodeTaskReport]?, alarms: [NodeAlarm]?
  ) -> NodeReport {
    NodeReport(
      machineName: configuration.machineName, nodeKey: key, closure: SystemProfile(root: root).running,
      kernel: FileSystemEntry(root + "/proc/sys/kernel/osrelease").line ?? "",
      bootIdentifier: FileSystemEntry(root + "/proc/sys/kernel/random/boot_id").line ?? "",
      uptime: FileSystemEntry(root + "/proc/uptime").line?.split(separator: " ").first.flatMap { Double($0) } ?? 0,
      rollout: RolloutRecord.load(root: root)?.report, secrets: NodeSecrets(root: root).held,
      tasks: tasks, alarms: alarms)
  }
}

/// Why a node can not report.
public enum NodeReportError: Error, Sendable, Equatable, CustomStringConvertible {
  case missing(String)
  case malformed(String, String)

  public var description: String {
    switch self {
    case .missing(let path):
      "\(path) can not be read: this machine was not installed by Bootstead, or the command does not run as root"
    case .malformed(let path, let reason): "\(path): \(reason)"
    }
  }
}
