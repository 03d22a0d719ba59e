import AgentProtocol
import DiskLayout
import Foundation
import GRDB
import NetworkAddress

extension Fleet {
  /// Seconds for which a take-over's token may be used.
  public static let takeoverTime: TimeInterval = 3600

  // MARK: The operator

  /// What a take-over would do to the disks. Changes nothing.
  public func previewTakeover(_ request: PrepareTakeover) async throws -> TakeoverPreview {
    try await database.read { database in
      let known = try Machine.filter(sql: "name = ?", arguments: [request.machine.name.text]).fetchOne(database)
      if let known { try checkAddresses(request.machine.addresses, of: known, in: database) }
      guard let inventory = request.inventory else { return TakeoverPreview(refusal: "no inventory yet") }
      var consents = Set(request.machine.consents)
      if let known {
        consents.formUnion(
          try String.fetchAll(database, sql: "SELECT disk FROM consent WHERE machine = ?", arguments: [known.id]))
      }
      do {
        let plan = try LayoutPlanner.plan(
          inventory: inventory.disks.asSeenAfterwards, spec: request.layout ?? known?.layout ?? request.machine.layout,
          consent: Consent(wipe: consents),
          identity: known?.layoutIdentity
            ?? LayoutIdentity(machineName: request.machine.name.text, machineID: "preview", installID: "preview"),
          keeping: known?.installedDisks?.compactMap(\.volumeGroupUUID).first)
        return TakeoverPreview(plan: plan.summary, disk: plan.disk.serial ?? plan.disk.id)
      } catch {
        return TakeoverPreview(refusal: "\(error)")
      }
    }
  }

  /// Adds or approves the machine, and makes the token that lets it be taken over once.
  public func prepareTakeover(_ request: PrepareTakeover, applianceKey: SigningPublicKey) async throws -> TakeoverOffer
  {
    let token = TakeoverToken(appliance: applianceKey)
    return try await write { database, now in
      var machine: Machine
      if let known = try Machine.filter(sql: "name = ?", arguments: [request.machine.name.text]).fetchOne(database) {
        machine = known
        try checkAddresses(request.machine.addresses, of: machine, in: database)
        try approve(&machine, for: request, in: database, now: now)
      } else {
        machine = Machine(
          name: request.machine.name, state: .approved, layout: request.layout ?? request.machine.layout, createdAt: now
        )
        machine.comparesCode = request.machine.comparesCode
        try apply(request.machine, to: &machine)
        try insert(&machine, addresses: request.machine.addresses, in: database)
        try record(
          "machine added by the operator, to be taken over by kexec", of: machine, kind: "state", in: database, now: now
        )
        try giveConsent(request.machine.consents, to: machine, in: database, now: now)
        try arm(&machine, window: request.machine.window, in: database, now: now)
      }
      for mac in request.machine.addresses { try add(mac, to: machine, in: database) }
      // A new token takes the place of the last one.
      try database.execute(
        sql: "DELETE FROM takeover WHERE machine = ? OR expiresAt < ?", arguments: [machine.id, now])
      let expiresAt = now.addingTimeInterval(Fleet.takeoverTime)
      try TakeoverRecord(
        identifier: token.identifier, machine: machine.id ?? 0, proofKey: Data(token.proofKey), expiresAt: expiresAt
      ).insert(database)
      try record(
        "may be taken over by kexec, once, for \(Int(Fleet.takeoverTime / 60)) minutes", of: machine, kind: "takeover",
        in: database, now: now)
      return TakeoverOffer(machine: try detail(of: machine, in: database), token: token.text, expiresAt: expiresAt)
    }
  }

  private func apply(_ request: AddMachine, to machine: inout Machine) throws {
    machine.uuid = request.uuid ?? machine.uuid
    machine.role = try request.role.map(checkedRoles) ?? machine.role
    if !request.stacks.isEmpty { machine.stacks = try request.stacks.map { try checkedName($0, field: "stack") } }
    machine.closure = try request.closure.map(checkedClosure) ?? machine.closure
    machine.image = try request.image.map(checkedImage) ?? machine.image
  }

  private func approve(_ machine: inout Machine, for request: PrepareTakeover, in database: Database, now: Date) throws
  {
    if machine.blocked {
      throw FleetError.conflict(
        "'\(machine.name)' is blocked: 'bootstead machine set \(machine.name) --blocked false' first")
    }
    // Whatever its state, a machine that was installed is made anew by a rebuild alone, which says what it keeps.
    let isInstalled = machine.finishedInstall != nil && machine.rebuild == nil && machine.wipe == nil
    switch machine.state {
    case _ where isInstalled, .installed, .active:
      throw FleetError.conflict(
        "'\(machine.name)' is \(machine.state.rawValue): it has a system of ours, so there is nothing to take over; 'bootstead rebuild \(machine.name)' makes it anew"
      )
    case .wiping:
      throw FleetError.conflict(
        "'\(machine.name)' is being erased: wait until 'bootstead watch \(machine.name)' says that it is done")
    case .discovered, .frozen, .failed:
      try change(&machine, by: .approve, "approved by the operator, to be taken over by kexec", in: database, now: now)
      machine.trust = .trustOnFirstUse
    case .approved, .armed, .booting, .installing: break
    }
    try apply(request.machine, to: &machine)
    machine.layout = request.layout ?? machine.layout
    if request.machine.comparesCode { machine.comparesCode = true }
    machine.bootsWithoutReport = []
    machine.planRefusal = nil
    try machine.update(database)
    try giveConsent(request.machine.consents, to: machine, in: database, now: now)
    // An install that is under way goes on without a new approval.
    // Nor does a rebuild or a wipe that is ordered: the take-over is one more way to start it.
    let isOrdered = machine.rebuild != nil || machine.wipe != nil
    if machine.state != .installing, !isOrdered || machine.state == .approved {
      try arm(&machine, window: request.machine.window, in: database, now: now)
    }
  }

  /// A machine that is known by its NICs has to be that machine.
  private func checkAddresses(_ found: [MACAddress], of machine: Machine, in database: Database) throws {
    let expected = try addresses(of: machine, in: database)
    guard !found.isEmpty, !expected.isEmpty, Set(found).isDisjoint(with: expected) else { return }
    throw FleetError.conflict(
      "this is not '\(machine.name)': expected a machine with \(expected.map(\.description).joined(separator: ", ")), found \(found.map(\.description).joined(separator: ", ")); give it another name, or 'bootstead machine set \(machine.name) --add-mac \(found[0])' if its board was replaced"
    )
  }

  // MARK: The agent in the old system

  /// The machine shows its token: it gets a boot of its own, and its addresses are learned.
  /// - Parameter proof: over path and body, see ``TakeoverProof``.
  public func beginTakeover(
    _ begin: TakeoverBegin, token identifier: String, accepts: @escaping @Sendable ([UInt8]) -> Bool
  )
    async throws -> TakeoverBoot
  {
    let outcome: Result<TakeoverBoot, FleetError> = try await write { database, now in
      var (takeover, machine) = try authenticate(identifier, accepts, in: database, now: now)
      if let attempt = takeover.attempt {
        guard attempt == begin.attempt.description, let nonce = takeover.nonce else {
          throw AgentRefusal(
            code: .notExpected,
            message: "this token was used already: 'bootstead kexec' makes a new one")
        }
        // Its answer was lost on the way.
        return .success(TakeoverBoot(machine: machine.name, image: machine.image, nonce: try BootNonce(nonce)))
      }
      guard takeover.expiresAt > now else {
        throw AgentRefusal(
          code: .notExpected,
          message:
            "this token was good until \(takeover.expiresAt.formatted(.iso8601)): 'bootstead kexec' makes a new one")
      }
      let found = begin.inventory.interfaces.map(\.mac)
      try checkAddresses(found, of: machine, in: database)
      guard !found.isEmpty else { throw FleetError.noAddress(machine.name.text) }
      for mac in Set(found) { try add(mac, to: machine, in: database) }
      machine.inventory = begin.inventory
      machine.lastSeen = now
      if let refusal = try refusal(of: machine, begin, in: database, now: now) {
        // Kept, so that 'bootstead machine show' and 'watch' tell it; the token stays good.
        machine.planRefusal = refusal.description
        try machine.update(database)
        try record("take-over held back: \(refusal)", of: machine, kind: "refusal", in: database, now: now)
        return .failure(refusal)
      }
      let text = "is taken over by kexec from \(begin.system.name), Linux \(begin.system.kernel)"
      let detail = begin.system.lines.joined(separator: "\n")
      if machine.state == .installing {
        try machine.update(database)
        try record(text, of: machine, kind: "takeover", detail: detail, in: database, now: now)
      } else {
        try change(&machine, by: .boot, text, detail: detail, in: database, now: now)
      }
      let nonce = BootNonce()
      try Boot(nonce: nonce.description, machine: machine.id ?? 0, at: now, mode: "install").insert(database)
      takeover.attempt = begin.attempt.description
      takeover.nonce = nonce.description
      try takeover.update(database)
      return .success(TakeoverBoot(machine: machine.name, image: machine.image, nonce: nonce))
    }
    return try outcome.get()
  }

  /// What keeps the install from beginning, told while the old system still runs.
  private func refusal(of machine: Machine, _ begin: TakeoverBegin, in database: Database, now: Date) throws
    -> FleetError?
  {
    guard [.armed, .booting, .installing].contains(machine.state) else {
      return .conflict("'\(machine.name)' is \(machine.state.rawValue): 'bootstead kexec' arms it again")
    }
    if machine.state != .installing, let until = machine.armedUntil, until < now {
      return .conflict("the time to install '\(machine.name)' is over: 'bootstead kexec' arms it again")
    }
    guard machine.closure != nil else {
      return .conflict(
        "no system is chosen for it: bootstead machine set \(machine.name) --closure STORE_PATH, then try again")
    }
    // What an order says is compared by the agent in the installer, before it writes.
    if machine.rebuild != nil || machine.wipe != nil { return nil }
    let consents = try String.fetchAll(
      database, sql: "SELECT disk FROM consent WHERE machine = ?", arguments: [machine.id])
    do {
      _ = try LayoutPlanner.plan(
        inventory: begin.inventory.disks.asSeenAfterwards, spec: machine.layout,
        consent: Consent(wipe: Set(consents)), identity: machine.layoutIdentity,
        keeping: machine.installedDisks?.compactMap(\.volumeGroupUUID).first)
      return nil
    } catch {
      return .conflict(
        "\(error.description)\nOn the appliance: bootstead machine approve \(machine.name) --wipe SERIAL; then run the same line here again"
      )
    }
  }

  public func takeoverStep(
    _ step: TakeoverStep, token identifier: String, accepts: @escaping @Sendable ([UInt8]) -> Bool
  )
    async throws
  {
    try await write { database, now in
      var (takeover, machine) = try authenticate(identifier, accepts, in: database, now: now)
      guard takeover.attempt != nil, step.number > takeover.step, step.number < 1000 else {
        throw AgentRefusal(code: .replayed, message: "step \(step.number) came after step \(takeover.step)")
      }
      takeover.step = step.number
      try takeover.update(database)
      machine.lastSeen = now
      try machine.update(database)
      let what = step.stage == .failed ? "take-over failed, the old system runs on: " : "take-over: "
      try record(
        what + step.text, of: machine, kind: step.stage == .failed ? "refusal" : "takeover",
        detail: step.stage.rawValue, in: database, now: now)
    }
  }

  private func authenticate(_ identifier: String, _ accepts: ([UInt8]) -> Bool, in database: Database, now: Date) throws
    -> (TakeoverRecord, Machine)
  {
    guard let takeover = try TakeoverRecord.fetchOne(database, key: identifier),
      let machine = try Machine.fetchOne(database, key: takeover.machine), accepts(Array(takeover.proofKey))
    else {
      throw AgentRefusal(
        code: .unknownSession, message: "this token is not known here: it is wrong, or a newer one took its place")
    }
    return (takeover, machine)
  }
}

extension DiskInventory {
  /// The disks as they are once nothing of the old system runs: not mounted, not booted from.
  var asSeenAfterwards: DiskInventory {
    var inventory = self
    for index in inventory.disks.indices {
      inventory.disks[index].users = []
      inventory.disks[index].isBootMedium = false
      // A rescue system without udev has no lasting names; the installer's udev makes one of the serial number.
      let disk = inventory.disks[index]
      if disk.stablePath == nil, let serial = disk.serial {
        inventory.disks[index].id = "\(disk.bus.rawValue)-\(serial)"
      }
    }
    return inventory
  }
}
