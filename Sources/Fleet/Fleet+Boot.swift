import AgentProtocol
import BootDecision
import DiskLayout
import Foundation
import GRDB
import NetworkAddress

extension Fleet {
  /// This many boots within ``loopWindow`` in which no agent stayed for ``loopStay`` hold the machine at its menu.
  static let loopLimit = 5
  /// Seconds.
  static let loopWindow: TimeInterval = 600
  /// Seconds. A machine that says hello and dies each time is in a loop as well.
  static let loopStay: TimeInterval = 60

  /// So many unknown machines may wait for approval; a flood of made-up addresses fills no more than that.
  package static let discoveredLimit = 256

  /// A machine asks for its boot script: decides what it gets, and records the boot.
  public func boot(_ contact: BootContact, enrolment: Enrolment) async throws -> BootAnswer {
    try await write { database, now in
      guard
        var machine = try find(mac: contact.mac, in: database) ?? discover(contact, enrolment, in: database, now: now)
      else { return BootAnswer(intent: .blocked) }
      machine.lastSeen = now
      machine.uuid = machine.uuid ?? contact.uuid.flatMap { $0.isPlaceholder ? nil : $0 }
      machine.serial = machine.serial ?? contact.serial.flatMap { $0.isEmpty ? nil : $0 }
      machine.product = machine.product ?? contact.product.flatMap { $0.isEmpty ? nil : $0 }
      try machine.update(database)
      if [.armed, .booting].contains(machine.state), let until = machine.armedUntil, until < now {
        try disarm(&machine, in: database, now: now)
      }
      let intent = Fleet.intent(of: machine, now: now)
      var answer = BootAnswer(
        intent: intent, name: machine.name.text, image: machine.image,
        doing: intent == .install ? Fleet.doing(machine) : nil)
      switch intent {
      case .install, .inventory, .rescue:
        if intent == .install, machine.state != .installing, machine.state != .wiping {
          try change(&machine, by: .boot, "fetched its install script", in: database, now: now)
        }
        machine.bootsWithoutReport = (machine.bootsWithoutReport + [now]).suffix(Fleet.loopLimit)
        if machine.nextBoot != nil {
          machine.nextBoot = nil
          try record("boots the rescue shell once", of: machine, kind: "setting", in: database, now: now)
        }
        try machine.update(database)
        let nonce = randomToken()
        let mode = intent == .install ? "install" : intent == .rescue ? "rescue" : "inventory"
        try Boot(nonce: nonce, machine: machine.id ?? 0, at: now, mode: mode).insert(database)
        try database.execute(
          sql: """
            DELETE FROM boot WHERE machine = ? AND nonce NOT IN
              (SELECT nonce FROM boot WHERE machine = ? ORDER BY at DESC, rowid DESC LIMIT 8)
              -- Anybody can ask for scripts: that must not end the claim of an agent at work.
              AND nonce NOT IN (SELECT nonce FROM claim WHERE machine = ? AND state IN ('current', 'waiting'))
            """, arguments: [machine.id, machine.id, machine.id])
        answer.nonce = nonce
      case .localDisk, .hold, .blocked: break
      }
      return answer
    }
  }

  /// What the state of a machine means for its next boot.
  public static func intent(of machine: Machine, now: Date) -> BootIntent {
    intent(of: BootStanding(machine), now: now)
  }

  static func intent(of machine: BootStanding, now: Date) -> BootIntent {
    if machine.blocked { return .blocked }
    if machine.nextBoot == .rescue { return .rescue }
    switch machine.state {
    case .discovered: return looping(machine, now) ?? .inventory
    case .armed, .booting:
      if let until = machine.armedUntil, until < now { return .localDisk }
      return looping(machine, now) ?? .install
    case .installing, .wiping: return looping(machine, now) ?? .install
    case .approved, .installed, .active: return .localDisk
    case .failed: return .hold(reason: "the last install failed: \(machine.reason ?? "no reason was given")")
    case .frozen: return .hold(reason: "frozen: \(machine.reason ?? "ask the operator")")
    }
  }

  /// For the machine's screen.
  private static func doing(_ machine: Machine) -> String {
    if let wipe = machine.wipe {
      return "erasing " + wipe.disks.map { $0.serial ?? $0.identifier }.joined(separator: ", ")
    }
    guard let order = machine.rebuild else { return "installing" }
    return order.task.volumeGroupUUID == nil ? "rebuilding" : "rebuilding, its data stays"
  }

  private static func looping(_ machine: BootStanding, _ now: Date) -> BootIntent? {
    let recent = machine.bootsWithoutReport.filter { now.timeIntervalSince($0) < loopWindow }
    guard recent.count >= loopLimit else { return nil }
    return .hold(
      reason:
        "\(recent.count) boots in \(Int(loopWindow / 60)) minutes, and no agent that stayed for \(Int(loopStay)) seconds; waiting for a while"
    )
  }

  /// Registers a machine that nobody added, where enrolment allows it.
  private func discover(_ contact: BootContact, _ enrolment: Enrolment, in database: Database, now: Date) throws
    -> Machine?
  {
    guard enrolment != .closed, !contact.mac.isMulticast, contact.mac.value != 0 else { return nil }
    let name = try MachineName("m-" + contact.mac.hyphenated.replacingOccurrences(of: "-", with: ""))
    guard try makeRoom(in: database), try Machine.filter(sql: "name = ?", arguments: [name.text]).isEmpty(database)
    else { return nil }
    var machine = Machine(name: name, state: .discovered, layout: LayoutSpec(), createdAt: now)
    try insert(&machine, addresses: [contact.mac], in: database)
    try record("an unknown machine asked to boot", of: machine, kind: "discovered", in: database, now: now)
    if enrolment == .automatic {
      machine.trust = .trustOnFirstUse
      try change(&machine, by: .approve, "approved by automatic enrolment", in: database, now: now)
      try arm(&machine, window: 3600, in: database, now: now)
    }
    return machine
  }

  /// Of the unknown machines whose agent was never heard, the one that is silent for longest gives way: a flood of
  /// made-up addresses must not keep a real machine out.
  /// - Returns: false when there is no room.
  private func makeRoom(in database: Database) throws -> Bool {
    let unheard = "inventory IS NULL AND name LIKE 'm-____________'"
    guard
      try Machine.filter(sql: "state = 'discovered' OR (\(unheard))").fetchCount(database) >= Fleet.discoveredLimit
    else { return true }
    try database.execute(
      sql: """
        DELETE FROM machine WHERE id =
          (SELECT id FROM machine WHERE \(unheard) AND state = 'discovered' ORDER BY lastSeen, id LIMIT 1)
        """)
    return database.changesCount > 0
  }

  /// The machine and mode of a boot, for its overlay.
  public func overlay(of nonce: String) async throws -> (machine: MachineName, mode: String) {
    try await database.read { database in
      guard let boot = try Boot.fetchOne(database, key: nonce), !boot.isOver(now()),
        let machine = try Machine.fetchOne(database, key: boot.machine)
      else { throw FleetError.unknownNonce }
      return (machine.name, boot.mode)
    }
  }

  /// 128 random bits in hexadecimal.
  func randomToken() -> String {
    (0..<16).map { _ in
      let byte = UInt8.random(in: 0...255)
      return (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }.joined()
  }

  func refreshDirectory(_ database: Database) throws {
    var machines: [Int64: MachineView] = [:]
    let now = now()
    for standing in try BootStanding.fetchAll(database) {
      machines[standing.id] = MachineView(
        name: standing.name.text, intent: Fleet.intent(of: standing, now: now), quirks: standing.quirks)
    }
    var views: [MACAddress: MachineView] = [:]
    for row in try Row.fetchAll(database, sql: "SELECT mac, machine FROM nic") {
      views[try MACAddress(row["mac"])] = machines[row["machine"]]
    }
    directory.replace(with: views)
  }
}

extension BootIntent {
  /// Why the machine is held, where it is.
  public var holdReason: String? { if case .hold(let reason) = self { reason } else { nil } }
}
