import AgentProtocol
import Foundation
import GRDB

extension Fleet {
  /// A claim whose agent was heard within this many seconds is alive.
  static let claimAlive: TimeInterval = 20

  /// Opens a claim for a boot that this appliance answered.
  public func begin(_ request: BeginRequest, applianceKey: SigningPublicKey) async throws -> BeginAnswer {
    try await write { database, now in
      guard let boot = try Boot.fetchOne(database, key: request.bootNonce.description) else {
        throw AgentRefusal(code: .unknownBoot, message: "this boot is not known here: boot the machine again")
      }
      // An agent at work may have lost its session after days; anybody else is late.
      let isAtWork = Claim.filter(sql: "nonce = ? AND state IN ('current', 'waiting')", arguments: [boot.nonce])
      if try boot.isOver(now) && isAtWork.isEmpty(database) {
        throw AgentRefusal(
          code: .unknownBoot,
          message: "this boot is of \(displayable(boot.at.formatted(.iso8601), limit: 40)), and a boot is good for "
            + "\(Int(Boot.lifetime / 3600)) hours: boot the machine again")
      }
      let claim = Claim(
        session: SessionIdentifier().description, nonce: boot.nonce, machine: boot.machine, serverNonce: ClaimNonce(),
        counter: 0, state: .begun, at: now, lastSeen: now)
      try claim.insert(database)
      // Anybody on the network may begin claims for a boot; only the newest few are kept.
      try database.execute(
        sql: """
          DELETE FROM claim WHERE nonce = ? AND state = 'begun' AND session NOT IN
            (SELECT session FROM claim WHERE nonce = ? AND state = 'begun' ORDER BY at DESC, rowid DESC LIMIT 16)
          """, arguments: [boot.nonce, boot.nonce])
      return BeginAnswer(
        session: try SessionIdentifier(claim.session),
        commitment: ClaimCommitment(applianceKey: applianceKey, serverNonce: claim.serverNonce))
    }
  }

  /// The agent shows its keys: they are pinned to the claim, and the short code is fixed.
  public func hello(_ hello: HelloRequest, signed request: SignedRequest, applianceKey: SigningPublicKey) async throws
    -> HelloAnswer
  {
    let answer: HelloAnswer? = try await write { database, now in
      guard var claim = try Claim.fetchOne(database, key: hello.session.description), request.session == hello.session,
        claim.nonce == hello.bootNonce.description, var machine = try Machine.fetchOne(database, key: claim.machine)
      else { throw AgentRefusal(code: .unknownSession, message: "no such session: begin again") }
      if let pinned = claim.agentKey, pinned != hello.agentKey {
        throw AgentRefusal(code: .notExpected, message: "this session belongs to another key")
      }
      try request.verify(by: hello.agentKey)
      try accept(request.counter, for: &claim)
      if let other = try Claim.current(of: machine, in: database), other.session != claim.session {
        guard try settle(&claim, against: other, hello, of: &machine, in: database, now: now) else { return nil }
      } else {
        claim.state = .current
      }
      claim.agentKey = hello.agentKey
      claim.recipient = hello.recipient
      claim.code = ShortCode(
        applianceKey: applianceKey, serverNonce: claim.serverNonce, agentKey: hello.agentKey,
        recipient: hello.recipient, agentNonce: hello.agentNonce, bootNonce: hello.bootNonce)
      claim.lastSeen = now
      try claim.update(database)
      try database.execute(
        sql: """
          DELETE FROM claim WHERE machine = ? AND state IN ('ended', 'waiting') AND session <> ? AND session NOT IN
            (SELECT session FROM claim WHERE machine = ? AND state IN ('ended', 'waiting') ORDER BY lastSeen DESC LIMIT 16)
          """, arguments: [machine.id, claim.session, machine.id])
      machine.lastSeen = now
      if claim.state == .current {
        machine.inventory = hello.inventory
        try recordFacts(of: machine, in: database, now: now)
      }
      try machine.update(database)
      let what = claim.state == .current ? "agent claimed the machine" : "another agent claims the machine and waits"
      try record("\(what), code \(claim.code?.description ?? "")", of: machine, kind: "claim", in: database, now: now)
      return HelloAnswer(serverNonce: claim.serverNonce, machineName: machine.name.text)
    }
    // Refused after the commit, so that the freeze stays.
    guard let answer else {
      throw AgentRefusal(
        code: .frozen, message: "two agents claim this machine: it is frozen until the operator decides")
    }
    return answer
  }

  /// Decides between a new claim and the one that is current: the same keys go on; a silent one is replaced; where
  /// both speak, both are stopped.
  /// - Returns: false when the machine was frozen.
  private func settle(
    _ claim: inout Claim, against other: Claim, _ hello: HelloRequest, of machine: inout Machine, in database: Database,
    now: Date
  ) throws -> Bool {
    let isSame = other.agentKey == hello.agentKey
    let isAlive = now.timeIntervalSince(other.lastSeen) < Fleet.claimAlive
    if !isSame && isAlive && other.nonce == claim.nonce {
      try freeze(&machine, "two agents with different keys claim the same boot", in: database, now: now)
      return false
    }
    if isSame || !isAlive {
      try replaceCurrent(by: &claim, of: &machine, sameKeys: isSame, in: database)
    } else {
      claim.state = .waiting
    }
    return true
  }

  /// Ends the current claim; another one takes its place.
  private func replaceCurrent(by claim: inout Claim, of machine: inout Machine, sameKeys: Bool, in database: Database)
    throws
  {
    try database.execute(
      sql: "UPDATE claim SET state = 'ended' WHERE machine = ? AND state = 'current'", arguments: [claim.machine])
    claim.state = .current
    // What was compared was the other agent's code.
    if !sameKeys && machine.trust == .verified { machine.trust = .trustOnFirstUse }
  }

  /// Runs what a signed request asks for. That it came, and a freeze that it caused, stay even where it is refused;
  /// what it began to change does not.
  func handle<Value: Sendable>(
    _ request: SignedRequest, _ work: @escaping @Sendable (Database, Date, Claim, inout Machine) throws -> Value
  ) async throws -> Value {
    let outcome: Result<Value, any Error> = try await write { database, now in
      var (claim, machine) = try authenticate(request, in: database, now: now)
      var outcome: Result<Value, any Error>?
      try database.inSavepoint {
        do {
          outcome = .success(try work(database, now, claim, &machine))
          return .commit
        } catch {
          outcome = .failure(error)
          return .rollback
        }
      }
      return outcome ?? .failure(FleetError.database("the change was not made"))
    }
    return try outcome.get()
  }

  /// As ``handle(_:_:)``, for what only the agent may say whose claim is current.
  func handleCurrent<Value: Sendable>(
    _ request: SignedRequest, _ work: @escaping @Sendable (Database, Date, inout Machine) throws -> Value
  ) async throws -> Value {
    try await handle(request) { database, now, claim, machine in
      guard claim.state == .current else {
        throw AgentRefusal(code: .notExpected, message: "another agent claimed this machine a moment ago: wait")
      }
      return try work(database, now, &machine)
    }
  }

  /// Checks a signed request of an agent: its session, its signature, its counter. Ends with the claim and machine.
  private func authenticate(_ request: SignedRequest, in database: Database, now: Date) throws -> (Claim, Machine) {
    guard let session = request.session, var claim = try Claim.fetchOne(database, key: session.description),
      let key = claim.agentKey, var machine = try Machine.fetchOne(database, key: claim.machine)
    else { throw AgentRefusal(code: .unknownSession, message: "no such session: begin again") }
    try request.verify(by: key)
    try accept(request.counter, for: &claim)
    claim.lastSeen = now
    switch claim.state {
    case .current:
      // The agent that was current speaks while another has said hello since: two are alive.
      let rival = try Claim.filter(
        sql: "machine = ? AND state = 'waiting' AND lastSeen > ?",
        arguments: [claim.machine, now.addingTimeInterval(-Fleet.claimAlive)]
      ).fetchOne(database)
      if rival != nil, machine.state != .frozen {
        try freeze(&machine, "two agents with different keys claim this machine", in: database, now: now)
      }
    case .waiting:
      let current = try Claim.current(of: machine, in: database)
      if let current, now.timeIntervalSince(current.lastSeen) < Fleet.claimAlive { break }
      try replaceCurrent(by: &claim, of: &machine, sameKeys: current?.agentKey == key, in: database)
    case .begun, .ended:
      throw AgentRefusal(code: .unknownSession, message: "this session has ended: begin again")
    }
    try claim.update(database)
    machine.lastSeen = now
    if claim.state == .current, now.timeIntervalSince(claim.at) >= Fleet.loopStay { machine.bootsWithoutReport = [] }
    try machine.update(database)
    return (claim, machine)
  }

  private func accept(_ counter: UInt64, for claim: inout Claim) throws {
    var highest = SessionCounter(last: UInt64(claim.counter))
    try highest.accept(counter)
    claim.counter = try stored(counter)
  }

  /// SQLite's integers end at 2^63; a larger counter could be replayed.
  func stored(_ counter: UInt64) throws -> Int64 {
    guard let stored = Int64(exactly: counter) else {
      throw AgentRefusal(code: .malformed, message: "the counter \(counter) is above \(Int64.max)")
    }
    return stored
  }

  private func freeze(_ machine: inout Machine, _ reason: String, in database: Database, now: Date) throws {
    machine.reason = reason
    try change(&machine, by: .freeze, reason, in: database, now: now)
  }
}
