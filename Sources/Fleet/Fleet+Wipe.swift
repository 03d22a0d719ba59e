import AgentProtocol
import DiskLayout
import Foundation
import GRDB

extension Fleet {
  /// Arms the erasing of disks: the agent of the next network boot erases exactly those.
  public func wipe(_ name: String, _ request: WipeRequest) async throws -> MachineDetail {
    try await write { database, now in
      var machine = try find(name, in: database)
      guard MachineTransition.armWipe.next(from: machine.state) != nil else {
        throw FleetError.transition(machine: machine.name.text, state: machine.state, verb: .armWipe)
      }
      guard (60...2_592_000).contains(request.window) else {
        throw FleetError.invalidValue(
          field: "window", reason: "\(request.window) s is not between 1 minute and 30 days")
      }
      var disks: [WipeDisk] = []
      for text in request.disks {
        let disk = try wipeDisk(text, of: machine)
        if !disks.contains(disk) { disks.append(disk) }
      }
      guard !disks.isEmpty else {
        throw FleetError.invalidValue(field: "disk", reason: "name each disk by its serial number")
      }
      machine.wipe = WipeOrder(identifier: UUID().uuidString.lowercased(), disks: disks, grantedAt: now)
      machine.rebuild = nil
      if request.now {
        machine.networkBoot = NetworkBootOrder(
          identifier: UUID().uuidString.lowercased(), orderedAt: now, bootIdentifier: machine.bootIdentifier)
      }
      machine.bootsWithoutReport = []
      machine.evidenceRefusal = nil
      machine.progress = nil
      machine.armedUntil = now.addingTimeInterval(request.window)
      for disk in disks {
        try record(
          "the operator consented to wipe the disk \(disk.serial ?? disk.identifier)", of: machine, kind: "consent",
          in: database, now: now)
      }
      try change(
        &machine, by: .armWipe,
        "wipe of \(disks.map(\.identifier).joined(separator: ", ")) armed for \(Int(request.window / 60)) minutes",
        in: database, now: now)
      return try detail(of: machine, in: database)
    }
  }

  /// A disk that the machine has, or had when it was installed.
  private func wipeDisk(_ text: String, of machine: Machine) throws -> WipeDisk {
    var known = (machine.inventory?.disks.disks ?? []).map {
      (disk: WipeDisk(identifier: $0.id, serial: $0.serial), names: Set([$0.id] + $0.aliases + [$0.serial ?? $0.id]))
    }
    for disk in RecordedDisk.all(of: machine) where !known.contains(where: { !$0.names.isDisjoint(with: disk.names) }) {
      known.append((WipeDisk(identifier: disk.record.identifier, serial: disk.serial), disk.names))
    }
    let found = known.filter { $0.names.contains(text) }
    guard let disk = found.first?.disk, found.count == 1 else {
      let names = known.map { "\($0.disk.serial ?? "no serial number") (\($0.disk.identifier))" }
      throw FleetError.invalidValue(
        field: "disk",
        reason: "'\(displayable(text, limit: 80))' is \(found.isEmpty ? "no disk" : "not one disk") of "
          + "'\(machine.name)'; expected one of: "
          + (names.isEmpty ? "none is known, boot it from the network once" : names.joined(separator: "; ")))
    }
    return disk
  }

  /// The task of an agent whose machine is to be wiped.
  func wipeTask(_ order: WipeOrder, of machine: inout Machine, in database: Database, now: Date) throws -> AgentTask {
    if machine.state != .wiping {
      machine.networkBoot = nil
      try change(
        &machine, by: .wipe, "wiping \(order.disks.map(\.identifier).joined(separator: ", "))", in: database, now: now)
    }
    return .wipe(WipeTask(identifier: order.identifier, disks: order.disks))
  }

  /// The agent erased the disks: what was on them is no longer on record.
  public func wiped(_ report: WipedReport, signed request: SignedRequest) async throws {
    try await handleCurrent(request) { database, now, machine in
      if machine.wipe == nil, machine.state == .approved { return }
      guard let order = machine.wipe, report.task == order.identifier else {
        throw AgentRefusal(code: .notExpected, message: "this is not the wipe that was ordered")
      }
      let names = Set(order.disks.flatMap { [$0.identifier] + ($0.serial.map { [$0] } ?? []) })
      let hadSystem = machine.plan.map { names.contains($0.disk.id) || names.contains($0.disk.serial ?? "") } ?? false
      let left = machine.installedDisks?.filter {
        !names.contains($0.identifier) && !names.contains($0.serial ?? $0.identifier)
      }
      machine.installedDisks = left?.isEmpty == true ? nil : left
      if hadSystem {
        // No node is left that could report, and nothing that a rebuild could keep the system's place of.
        machine.plan = nil
        machine.finishedInstall = nil
        machine.install = UUID().uuidString.lowercased()
        machine.nodeKey = nil
        machine.nodeRecipient = nil
        machine.runningClosure = nil
        machine.bootIdentifier = nil
        machine.reportedAt = nil
        machine.restore = nil
        machine.comparison = nil
      }
      machine.wipe = nil
      machine.progress = nil
      machine.planRefusal = nil
      let how = report.disks.sorted { $0.key < $1.key }.map { "\($0.key) (\($0.value))" }
      try change(&machine, by: .wiped, "wiped: \(how.joined(separator: ", "))", in: database, now: now)
      try database.execute(sql: "DELETE FROM consent WHERE machine = ?", arguments: [machine.id])
    }
  }

  /// Forgets a machine that is given away, with its keys, its evidence, its secrets and what was saved of its disks:
  /// it may come back as new hardware. Nothing on its disks changes.
  public func forget(_ name: String) async throws {
    try await write { database, now in
      let machine = try find(name, in: database)
      guard ![.installing, .wiping].contains(machine.state) else {
        throw FleetError.conflict(
          "'\(machine.name)' is \(machine.state.rawValue), and its agent is at work; expected a machine at rest: "
            + "bootstead watch \(machine.name)")
      }
      try delete(
        machine, "machine \(machine.name) forgotten by the operator: it is new hardware when it comes back",
        in: database, now: now)
    }
  }
}
