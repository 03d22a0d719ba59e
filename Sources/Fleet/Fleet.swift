import AgentProtocol
import BootDecision
import DiskLayout
import Foundation
import GRDB
import NetworkAddress

/// The registry: machines, their NICs, states, events, consents and settings in one SQLite file.
///
/// Every change of state and the event that tells of it are written in one transaction. Whatever a method returned has
/// been committed.
public struct Fleet: Sendable {
  let database: DatabasePool
  /// What DHCP, TFTP and HTTP ask, answered from memory.
  public let directory: FleetDirectory
  let now: @Sendable () -> Date

  /// - Parameter path: the SQLite file; it is made, readable by its owner alone, when it does not exist.
  public init(path: String, now: @escaping @Sendable () -> Date = { Date() }) throws {
    if !FileManager.default.fileExists(atPath: path) {
      guard FileManager.default.createFile(atPath: path, contents: nil, attributes: [.posixPermissions: 0o600]) else {
        throw FleetError.database("\(path) can not be created")
      }
    }
    database = try FleetDatabase.open(at: path)
    directory = FleetDirectory()
    self.now = now
    try database.read { try refreshDirectory($0) }
  }

  /// Writes SQLite's write-ahead log into the file and closes it; nothing else may be called after that.
  public func close() throws {
    // GRDB closes the writer before the readers, so that SQLite does not do it at the last close (GRDB issue 739).
    _ = try database.writeWithoutTransaction { try $0.checkpoint(.truncate) }
    try database.close()
  }

  /// The newest events of each machine that are kept.
  package static let eventLimit = 5000

  // MARK: Reading

  public func machines() async throws -> [MachineDetail] {
    try await database.read { database in
      try Machine.order(sql: "name").fetchAll(database).map { try detail(of: $0, in: database) }
    }
  }

  /// - Parameter name: a machine's name, or any of its MAC addresses.
  public func machine(_ name: String) async throws -> MachineDetail {
    try await database.read { database in try detail(of: find(name, in: database), in: database) }
  }

  func find(_ name: String, in database: Database) throws -> Machine {
    if let machine = try Machine.filter(sql: "name = ?", arguments: [name]).fetchOne(database) { return machine }
    if let mac = try? MACAddress(name), let machine = try find(mac: mac, in: database) { return machine }
    throw FleetError.noSuchMachine(name)
  }

  func find(mac: MACAddress, in database: Database) throws -> Machine? {
    try Machine.fetchOne(
      database, sql: "SELECT machine.* FROM machine JOIN nic ON nic.machine = machine.id WHERE nic.mac = ?",
      arguments: [mac.description])
  }

  func addresses(of machine: Machine, in database: Database) throws -> [MACAddress] {
    try String.fetchAll(database, sql: "SELECT mac FROM nic WHERE machine = ? ORDER BY mac", arguments: [machine.id])
      .map { try MACAddress($0) }
  }

  func detail(of machine: Machine, in database: Database) throws -> MachineDetail {
    let claim = try Claim.current(of: machine, in: database)
    return MachineDetail(
      machine: machine, addresses: try addresses(of: machine, in: database),
      consents: try String.fetchAll(
        database, sql: "SELECT disk FROM consent WHERE machine = ? ORDER BY disk", arguments: [machine.id]),
      code: [.installed, .active].contains(machine.state) ? nil : claim?.code, agentLastSeen: claim?.lastSeen,
      saved: try Date.fetchAll(
        database, sql: "SELECT at FROM savedState WHERE machine = ? ORDER BY id", arguments: [machine.id]),
      hold: Fleet.intent(of: machine, now: now()).holdReason, hardware: try standing(of: machine, in: database),
      build: try lastBuild(of: machine, in: database),
      rollout: try Rollout.filter(sql: "machine = ?", arguments: [machine.id]).order(sql: "id DESC").fetchOne(database),
      moves: try openMoves(of: machine, in: database).map { try named($0, in: database) },
      alarms: try alarms(of: machine, in: database))
  }

  // MARK: The operator's verbs

  /// Registers a machine and arms its first install: adding it is the operator's approval in advance.
  public func add(_ request: AddMachine) async throws -> MachineDetail {
    try await write { database, now in
      guard !request.addresses.isEmpty else { throw FleetError.noAddress(request.name.text) }
      var machine = Machine(name: request.name, state: .approved, layout: request.layout, createdAt: now)
      if let uuid = request.uuid { try machine.give(uuid) }
      machine.comparesCode = request.comparesCode
      machine.role = try request.role.map(checkedRoles)
      machine.stacks = try request.stacks.map { try checkedName($0, field: "stack") }
      machine.closure = try request.closure.map(checkedClosure)
      machine.image = try request.image.map(checkedImage)
      try insert(&machine, addresses: request.addresses, in: database)
      try record("machine added by the operator", of: machine, kind: "state", in: database, now: now)
      try giveConsent(request.consents, to: machine, in: database, now: now)
      try arm(&machine, window: request.window, in: database, now: now)
      return try detail(of: machine, in: database)
    }
  }

  public func rename(_ name: String, to newName: MachineName) async throws -> MachineDetail {
    try await write { database, now in
      var machine = try find(name, in: database)
      let old = machine.name
      try rename(&machine, to: newName, in: database)
      try machine.update(database)
      try record("renamed from \(old) to \(newName)", of: machine, kind: "setting", in: database, now: now)
      return try detail(of: machine, in: database)
    }
  }

  public func set(_ name: String, _ request: SetMachine) async throws -> MachineDetail {
    try await write { database, now in
      var machine = try find(name, in: database)
      try request.apply(to: &machine)
      machine.noteDrift(now)
      for mac in request.addAddresses { try add(mac, to: machine, in: database) }
      for mac in request.removeAddresses {
        try database.execute(
          sql: "DELETE FROM nic WHERE machine = ? AND mac = ?", arguments: [machine.id, mac.description])
        guard database.changesCount > 0 else {
          throw FleetError.invalidValue(field: "remove-mac", reason: "\(mac) is no address of '\(machine.name)'")
        }
      }
      guard try !addresses(of: machine, in: database).isEmpty else { throw FleetError.noAddress(machine.name.text) }
      if let holds = request.holdOn { try setHolds(holds, of: machine, in: database) }
      try machine.update(database)
      try record("settings changed by the operator", of: machine, kind: "setting", in: database, now: now)
      return try detail(of: machine, in: database)
    }
  }

  public func remove(_ name: String) async throws {
    try await write { database, now in
      let machine = try find(name, in: database)
      try delete(machine, "machine \(machine.name) removed by the operator", in: database, now: now)
    }
  }

  /// Deletes all that is kept of a machine but for the event that says so.
  func delete(_ machine: Machine, _ text: String, in database: Database, now: Date) throws {
    for mac in try addresses(of: machine, in: database) {
      try database.execute(sql: "DELETE FROM decision WHERE mac = ?", arguments: [mac.description])
    }
    try machine.delete(database)
    var event = FleetEvent(machine: nil, at: now, kind: "removed", state: nil, text: text, detail: nil)
    try event.insert(database)
  }

  // MARK: Shared by all changes

  /// Runs a change in one transaction and, once it is committed, brings the in-memory directory up to date.
  func write<Value: Sendable>(_ change: @escaping @Sendable (Database, Date) throws -> Value) async throws -> Value {
    let now = now()
    return try await database.write { database in
      let value = try change(database, now)
      database.afterNextTransaction { database in
        // A failure to read leaves the last good directory; the next change reads it again.
        try? refreshDirectory(database)
      }
      return value
    }
  }

  /// Moves the machine to the state that follows, stores it, and writes the event.
  func change(
    _ machine: inout Machine, by transition: MachineTransition, _ text: String, detail: String? = nil,
    in database: Database, now: Date
  ) throws {
    guard let next = transition.next(from: machine.state) else {
      throw FleetError.transition(machine: machine.name.text, state: machine.state, verb: transition)
    }
    machine.state = next
    if transition == .finish { machine.finishedInstall = machine.install }
    if transition == .install { machine.networkBoot = nil }
    if next != .failed && next != .frozen { machine.reason = nil }
    if next != .armed && next != .booting { machine.armedUntil = nil }
    try machine.update(database)
    try record(text, of: machine, kind: "state", detail: detail, in: database, now: now)
  }

  func record(
    _ text: String, of machine: Machine, kind: String, detail: String? = nil, in database: Database, now: Date
  ) throws {
    var event = FleetEvent(
      machine: machine.id, at: now, kind: kind, state: kind == "state" ? machine.state : nil,
      text: displayable(text, limit: 2000), detail: detail)
    try event.insert(database)
    // Agents cause events: without a bound one of them fills the disk.
    try database.execute(
      sql: """
        DELETE FROM event WHERE machine = ? AND id <=
          (SELECT id FROM event WHERE machine = ? ORDER BY id DESC LIMIT 1 OFFSET ?)
        """, arguments: [machine.id, machine.id, Fleet.eventLimit])
  }

  func arm(_ machine: inout Machine, window: TimeInterval, in database: Database, now: Date) throws {
    guard (60...2_592_000).contains(window) else {
      throw FleetError.invalidValue(field: "window", reason: "\(window) s is not between 1 minute and 30 days")
    }
    if machine.finishedInstall == machine.install { machine.install = UUID().uuidString.lowercased() }
    machine.progress = nil
    machine.armedUntil = now.addingTimeInterval(window)
    try change(&machine, by: .arm, "one install armed for \(Int(window / 60)) minutes", in: database, now: now)
  }

  func giveConsent(_ disks: [String], to machine: Machine, in database: Database, now: Date) throws {
    for disk in disks {
      try database.execute(
        sql: "INSERT OR REPLACE INTO consent (machine, disk, givenAt) VALUES (?, ?, ?)",
        arguments: [machine.id, disk, now])
      try record(
        "the operator consented to erase the disk \(disk)", of: machine, kind: "consent", in: database, now: now)
    }
  }

  func insert(_ machine: inout Machine, addresses: [MACAddress], in database: Database) throws {
    if try Machine.filter(sql: "name = ?", arguments: [machine.name.text]).fetchCount(database) > 0 {
      throw FleetError.nameTaken(machine.name.text)
    }
    try machine.insert(database)
    for mac in Set(addresses) { try add(mac, to: machine, in: database) }
  }

  func add(_ mac: MACAddress, to machine: Machine, in database: Database) throws {
    if mac.isMulticast || mac.value == 0 {
      throw FleetError.invalidValue(field: "mac", reason: "\(mac) is not the address of one network card")
    }
    if let owner = try find(mac: mac, in: database) {
      if owner.id == machine.id { return }
      throw FleetError.addressTaken(mac.description, owner: owner.name.text)
    }
    try database.execute(
      sql: "INSERT INTO nic (mac, machine) VALUES (?, ?)", arguments: [mac.description, machine.id])
  }

  func rename(_ machine: inout Machine, to newName: MachineName, in database: Database) throws {
    guard newName != machine.name else { return }
    if try Machine.filter(sql: "name = ?", arguments: [newName.text]).fetchCount(database) > 0 {
      throw FleetError.nameTaken(newName.text)
    }
    machine.name = newName
  }
}
