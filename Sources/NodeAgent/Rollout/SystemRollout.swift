import AgentProtocol
import BinaryCache
import NixFormats
import NodeFiles
import ProgramRunner

/// Changes the system of a running node, and goes back where the new one does not prove itself.
///
/// The new system is started without being what the machine boots. Only when the appliance was reached from it and the
/// named units are active does it become the current generation and the boot loader's choice. So a panic, a power cut or
/// a restart in between comes up with the old system.
public struct SystemRollout: Sendable {
  /// One report to the appliance; throws where the appliance was not reached.
  public typealias Report = @Sendable () async throws -> NodeOrders?

  private let root: String
  private let log: AgentLog
  private let store: any SystemStore
  private let activation: SystemActivation
  private let profile: SystemProfile
  private let pause: @Sendable (Duration) async throws -> Void
  private let elapsed: @Sendable () -> Duration
  private let restart: @Sendable () async throws -> Void

  /// - Parameters:
  ///   - root: before every path that is read or written.
  ///   - elapsed: a clock that never goes back.
  ///   - restart: restarts this machine; it does not return where that works.
  public init(
    root: String = "", runner: any CommandRunner = SubprocessRunner(), log: AgentLog, store: any SystemStore,
    pause: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
    elapsed: (@Sendable () -> Duration)? = nil, restart: (@Sendable () async throws -> Void)? = nil
  ) {
    self.root = root
    self.log = log
    self.store = store
    activation = SystemActivation(root: root, runner: runner)
    profile = SystemProfile(root: root)
    self.pause = pause
    let start = ContinuousClock.now
    self.elapsed = elapsed ?? { ContinuousClock.now - start }
    self.restart = restart ?? { try await NetworkBoot.restart(runner) }
  }

  /// Carries out an order that was not carried out yet.
  /// - Returns: false where it was.
  /// - Throws: when it is cancelled, or the node's own record can not be written; whatever is wrong with the order or the
  ///   new system is in the record.
  public func carryOut(_ order: RolloutOrder, report: @escaping Report) async throws -> Bool {
    if let record = RolloutRecord.load(root: root), record.order.identifier == order.identifier, record.phase.isFinal {
      return false
    }
    var record = RolloutRecord(
      order: order, phase: .fetching, previous: profile.running, profile: profile.generation)
    do {
      try check(order)
      if record.previous == order.closure, profile.installed == order.closure {
        log.say("rollout: \(order.closure) runs already")
        record.phase = .succeeded
        try record.save(root: root)
        return true
      }
      try record.save(root: root)
      log.say("rollout: fetching \(order.closure)")
      try profile.protect(order.closure)
      try await fetch(order, report: report)
      guard FileSystemEntry(root + SystemActivation.program(of: order.closure)).exists else {
        throw RolloutFailure.notASystem(order.closure)
      }
    } catch is CancellationError {
      throw CancellationError()
    } catch {
      log.say("rollout: \(order.closure) was not started: \(error)")
      record.phase = .failed
      record.reason = "\(error)"
      try record.save(root: root)
      release()
      return true
    }
    record.phase = .trial
    try record.save(root: root)
    log.say("rollout: starting \(order.closure)")
    do {
      let limit = Int(SystemActivation.limit.components.seconds)
      try await activation.armWatchdog(record.previous, seconds: limit + order.healthSeconds + 120)
      try await activation.run(.test, of: order.closure)
    } catch is CancellationError {
      throw CancellationError()
    } catch {
      try await rollBack(&record, because: error, report: report)
      return true
    }
    try await proveAndCommit(&record, report: report)
    return true
  }

  /// Goes on with what a restart of the agent or of the machine interrupted.
  /// - Throws: as ``carryOut(_:report:)``.
  public func resume(report: @escaping Report) async throws {
    guard var record = RolloutRecord.load(root: root) else { return }
    switch record.phase {
    // Nothing had changed; the order comes again.
    case .fetching, .succeeded, .rolledBack, .failed: return
    case .rollingBack: try await rollBack(&record, because: nil, report: report)
    case .trial, .committing:
      log.say("rollout: going on with \(record.order.closure)")
      while try await activation.isSwitching() { try await pause(.seconds(2)) }
      if profile.running == record.order.closure {
        try await proveAndCommit(&record, report: report)
      } else {
        try await rollBack(&record, because: RolloutFailure.restarted, report: report)
      }
    }
  }

  // MARK: Steps

  private func check(_ order: RolloutOrder) throws(RolloutFailure) {
    guard order.identifier.utf8.count <= 100, order.cachePath.utf8.allSatisfy({ (33...126).contains($0) }),
      order.cachePath.hasPrefix("/"), RolloutOrder.healthRange.contains(order.healthSeconds), order.units.count <= 100
    else { throw .unusable("a value is out of its range") }
    do {
      _ = try StorePath(absolute: order.closure)
      for key in order.cachePublicKeys { _ = try NixPublicKey(key) }
    } catch { throw .unusable("\(error)") }
    guard !order.cachePublicKeys.isEmpty else { throw .unusable("it names no key of the cache") }
    for unit in order.units {
      guard RolloutOrder.isUnitName(unit) else { throw .unusable("'\(unit.prefix(80))' is no unit's name") }
      guard activation.hasSystemd else { throw .noSystemd(unit) }
    }
  }

  /// The node goes on reporting while it fetches, and hears where it is to stop.
  private func fetch(_ order: RolloutOrder, report: @escaping Report) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await store.fetch(order) }
      group.addTask {
        while true {
          try await pause(.seconds(30))
          // Whether it gets through does not matter: the copy has its own patience.
          if let orders = try? await report(), orders.rollout?.identifier != order.identifier {
            throw RolloutFailure.withdrawn
          }
        }
      }
      defer { group.cancelAll() }
      try await group.next()
    }
  }

  private func proveAndCommit(_ record: inout RolloutRecord, report: @escaping Report) async throws {
    do {
      try await prove(record, report: report)
      record.phase = .committing
      try record.save(root: root)
      try profile.set(record.order.closure)
      try await activation.run(.boot, of: record.order.closure)
    } catch is CancellationError {
      throw CancellationError()
    } catch {
      try await rollBack(&record, because: error, report: report)
      return
    }
    await activation.disarmWatchdog()
    record.phase = .succeeded
    try record.save(root: root)
    release()
    log.say("rollout: \(record.order.closure) runs, and is what this machine boots")
  }

  /// Returns when the appliance was reached and all units were active, twice in a row.
  private func prove(_ record: RolloutRecord, report: Report) async throws {
    let order = record.order
    let end = elapsed() + .seconds(order.healthSeconds)
    var sound = 0
    while true {
      let trouble: any Error
      do {
        _ = try await report()
        guard profile.running == order.closure else { throw RolloutFailure.otherSystemRuns(profile.running) }
        for unit in order.units {
          let state = try await activation.state(of: unit)
          guard state == "active" else { throw RolloutFailure.unitNotActive(unit: unit, state: state) }
        }
        sound += 1
        if sound == 2 { return }
        try await pause(.seconds(5))
        continue
      } catch is CancellationError {
        throw CancellationError()
      } catch {
        trouble = error
      }
      sound = 0
      log.say("rollout: \(trouble)")
      guard elapsed() < end else {
        throw RolloutFailure.unproven(seconds: order.healthSeconds, reason: "\(trouble)")
      }
      try await pause(.seconds(5))
    }
  }

  // MARK: The way back

  private func rollBack(
    _ record: inout RolloutRecord, because error: (any Error)?, report: @escaping Report
  ) async throws {
    if let error { record.reason = "\(error)" }
    let wasCommitting = profile.generation != record.profile || record.phase == .committing
    record.phase = .rollingBack
    try record.save(root: root)
    log.say("rollout: going back to \(record.previous): \(record.reason ?? "")")
    do {
      if wasCommitting, let generation = record.profile {
        try profile.point(to: generation)
        try await activation.run(.boot, of: profile.installed)
      }
      if profile.running != record.previous || error as? RolloutFailure != .restarted {
        try await activation.run(.test, of: record.previous)
      }
    } catch is CancellationError {
      throw CancellationError()
    } catch {
      log.say("rollout: \(error)")
      record.reason = (record.reason ?? "") + "; on the way back: \(error)"
    }
    let isBack = profile.running == record.previous && profile.generation == record.profile
    if isBack || record.restarts > 0 {
      await activation.disarmWatchdog()
      record.phase = isBack ? .rolledBack : .failed
      if !isBack { record.reason = (record.reason ?? "") + "; the node runs \(profile.running)" }
      try record.save(root: root)
      release()
      log.say("rollout: \(record.previous) runs again")
    }
    if isBack, try await isReached(within: record.order.healthSeconds, report) { return }
    guard record.restarts == 0 else { return }
    // What the new system did to the machine may outlast it; a start from the disk does not keep it.
    record.restarts = 1
    try record.save(root: root)
    log.say("rollout: " + (isBack ? "the appliance is not reached" : "the old system did not come back") + ": restart")
    do { try await restart() } catch is CancellationError { throw CancellationError() } catch {
      log.say("rollout: the machine could not be restarted: \(error)")
    }
  }

  private func isReached(within seconds: Int, _ report: Report) async throws -> Bool {
    let end = elapsed() + .seconds(seconds)
    repeat {
      do {
        _ = try await report()
        return true
      } catch is CancellationError {
        throw CancellationError()
      } catch {
        log.say("rollout: \(error)")
      }
      try await pause(.seconds(5))
    } while elapsed() < end
    return false
  }

  private func release() {
    do { try profile.unprotect() } catch { log.say("rollout: \(error)") }
  }
}
