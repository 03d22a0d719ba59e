import AgentProtocol
import Foundation
import GRDB

extension Fleet {
  /// Approves a discovered, failed or frozen machine, and arms one install.
  public func approve(_ name: String, _ request: ApproveMachine) async throws -> MachineDetail {
    try await write { database, now in
      var machine = try find(name, in: database)
      let claim = try Claim.current(of: machine, in: database)
      if let code = request.code {
        guard let shown = claim?.code else { throw FleetError.noClaim(machine: machine.name.text) }
        guard (try? ShortCode(code)) == shown else { throw FleetError.codeMismatch(machine: machine.name.text) }
      }
      if let rename = request.rename { try self.rename(&machine, to: rename, in: database) }
      machine.closure = try request.closure.map(checkedClosure) ?? machine.closure
      machine.role = try request.role.map(checkedRoles) ?? machine.role
      if !request.stacks.isEmpty { machine.stacks = try request.stacks.map { try checkedName($0, field: "stack") } }
      machine.layout = request.layout ?? machine.layout
      machine.trust = request.code == nil ? .trustOnFirstUse : .verified
      machine.bootsWithoutReport = []
      let isAwaited = machine.evidenceRefusal != nil || machine.planRefusal != nil
      // Who compared the code on its screen knows which machine it is.
      machine.acceptsHardware = machine.acceptsHardware || request.acceptsHardware || request.code != nil
      machine.evidenceRefusal = nil
      machine.wipe = nil
      try giveConsent(request.consents, to: machine, in: database, now: now)
      if machine.state == .installing, isAwaited {
        // Its agent waits for this; what was begun goes on.
        try machine.update(database)
        try record("approved by the operator, to go on", of: machine, kind: "setting", in: database, now: now)
        return try detail(of: machine, in: database)
      }
      if machine.finishedInstall != nil, machine.rebuild == nil {
        try approveInstalled(&machine, in: database, now: now)
        return try detail(of: machine, in: database)
      }
      if MachineTransition.approve.next(from: machine.state) != nil {
        let how = request.code == nil ? "without comparing the code" : "after comparing the code"
        try change(&machine, by: .approve, "approved by the operator \(how)", in: database, now: now)
      }
      try arm(&machine, window: request.window, in: database, now: now)
      return try detail(of: machine, in: database)
    }
  }

  /// What is installed is made anew by a rebuild alone, which says what it keeps: the machine starts from its disk.
  private func approveInstalled(_ machine: inout Machine, in database: Database, now: Date) throws {
    switch machine.state {
    case .frozen:
      try change(&machine, by: .approve, "approved by the operator; it starts from its disk", in: database, now: now)
    case .armed, .booting:
      try change(&machine, by: .disarm, "the wipe was called off by the operator", in: database, now: now)
    case .discovered, .approved, .installing, .wiping, .installed, .active, .failed:
      throw FleetError.conflict(
        "'\(machine.name)' is \(machine.state.rawValue) and was installed already: to make its system anew and keep its "
          + "data, bootstead rebuild \(machine.name)")
    }
  }
}
