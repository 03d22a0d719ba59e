import AgentProtocol
import DiskLayout
import Foundation
import GRDB
import NetworkAddress

/// What the appliance says of itself in an install task.
public struct InstallSource: Sendable {
  /// `NAME:BASE64` keys that sign the closures.
  public var cachePublicKeys: [String]
  /// Such as `console=ttyS0,115200`.
  public var consoleArguments: [String]
  /// What the node is told of the appliance.
  public var appliance: ApplianceIdentity?

  public init(cachePublicKeys: [String], consoleArguments: [String] = [], appliance: ApplianceIdentity? = nil) {
    self.cachePublicKeys = cachePublicKeys
    self.consoleArguments = consoleArguments
    self.appliance = appliance
  }
}

extension Fleet {
  /// What the agent is to do next. An install without a closure is one from the machine's flake, which whoever answers
  /// the agent adds to it.
  public func task(signed request: SignedRequest, source: InstallSource) async throws -> AgentTask {
    try await handle(request) { database, now, claim, machine in
      let code = claim.code?.description ?? ""
      let waitsForApproval = "waiting for approval: bootstead machine approve \(machine.name) --code \(code)"
      if claim.state == .waiting {
        return .wait(reason: "another agent claimed this machine a moment ago", seconds: 5)
      }
      if [.armed, .booting].contains(machine.state), let until = machine.armedUntil, until < now {
        try disarm(&machine, in: database, now: now)
      }
      if let task = try hardwareGate(machine, in: database, now: now) { return task }
      switch machine.state {
      case .discovered, .approved: return .wait(reason: waitsForApproval, seconds: 2)
      case .failed: return .wait(reason: "failed: \(machine.reason ?? ""); \(waitsForApproval)", seconds: 5)
      case .frozen: return .wait(reason: "frozen: \(machine.reason ?? "")", seconds: 10)
      case .installed, .active: return .reboot
      case .armed, .booting, .installing, .wiping: break
      }
      if machine.comparesCode, machine.trust != .verified, machine.state != .installing {
        return .wait(reason: "compare the code: bootstead machine approve \(machine.name) --code \(code)", seconds: 2)
      }
      if let wait = try doubt(&machine, code: code, in: database, now: now) { return wait }
      if let order = machine.wipe { return try wipeTask(order, of: &machine, in: database, now: now) }
      let system = try system(of: machine, in: database)
      if case .none(let reason) = system { return .wait(reason: reason, seconds: 5) }
      return try install(&machine, system, claim, source, in: database, now: now)
    }
  }

  private func install(
    _ machine: inout Machine, _ system: InstalledSystem, _ claim: Claim, _ source: InstallSource, in database: Database,
    now: Date
  ) throws -> AgentTask {
    guard let inventory = machine.inventory, let recipient = claim.recipient else {
      return .wait(reason: "no inventory yet", seconds: 2)
    }
    if let missing = machine.rebuild?.missing(in: inventory.disks, name: machine.name) {
      return try wait(for: missing, of: &machine, in: database, now: now)
    }
    let plan: LayoutPlan
    do {
      plan = try plannedLayout(of: machine, inventory.disks, in: database)
    } catch let refusal as LayoutRefusal {
      return try wait(for: refusal.description, of: &machine, in: database, now: now)
    }
    let configuration = try MachineConfiguration(
      machine, plan: plan, addresses: addresses(of: machine, in: database), appliance: source.appliance)
    var closure: String?
    if case .closure(let path) = system { closure = path }
    if let closure, let refusal = try refusal(of: closure, on: configuration, of: machine, in: database) {
      // An install that has begun goes on with this plan, and what is built next is built for it.
      if machine.state == .installing, machine.plan != plan {
        machine.plan = plan
        try machine.update(database)
      }
      return try wait(for: refusal, "not installed", of: &machine, in: database, now: now)
    }
    machine.rebuild?.begun = true
    machine.evidence = MachineEvidence(inventory)
    machine.acceptsHardware = false
    if let uuid = machine.evidence?.uuid { machine.uuid = uuid }
    if machine.state != .installing {
      machine.plan = plan
      machine.planRefusal = nil
      machine.trust = machine.trust ?? .trustOnFirstUse
      try change(
        &machine, by: .install, "install begins on \(plan.disk.id)", detail: plan.summary, in: database, now: now)
      let withheld = try String.fetchAll(
        database, sql: "SELECT name FROM secret WHERE machine = ? AND NOT firstUse ORDER BY name",
        arguments: [machine.id])
      if machine.trust != .verified, !withheld.isEmpty {
        try record(
          "secrets withheld, because nobody compared the code: \(withheld.joined(separator: ", "))", of: machine,
          kind: "alarm", in: database, now: now)
      }
    } else if machine.plan == plan {
      machine.planRefusal = nil
      try machine.update(database)
    } else {
      machine.plan = plan
      machine.planRefusal = nil
      try machine.update(database)
      try record(
        "install goes on with \(plan.disk.id)", of: machine, kind: "progress", detail: plan.summary, in: database,
        now: now)
    }
    return .install(
      InstallTask(
        identifier: machine.install, machineName: machine.name.text, plan: plan, closure: closure,
        cachePublicKeys: source.cachePublicKeys, consoleArguments: source.consoleArguments,
        sealedSecrets: try sealedSecrets(of: machine, for: recipient, in: database),
        machineConfiguration: try configuration.encoded(),
        consent: ConsentRecord(
          trust: machine.trust == .verified ? .codeCompared : .firstUse, grantedBy: "operator",
          grantedAt: Int64((machine.rebuild?.grantedAt ?? now).timeIntervalSince1970),
          disks: try installConsent(of: machine, in: database)),
        rebuild: machine.rebuild?.task))
  }

  /// The agent waits until the operator has done something about the refusal.
  private func wait(
    for refusal: String, _ what: String = "no layout", of machine: inout Machine, in database: Database, now: Date
  ) throws -> AgentTask {
    if machine.planRefusal != refusal {
      machine.planRefusal = refusal
      try machine.update(database)
      try record("\(what): \(refusal)", of: machine, kind: "refusal", in: database, now: now)
    }
    return .wait(reason: refusal, seconds: 5)
  }

  private func installConsent(of machine: Machine, in database: Database) throws -> Consent {
    var consent = Consent(
      wipe: Set(
        try String.fetchAll(database, sql: "SELECT disk FROM consent WHERE machine = ?", arguments: [machine.id])))
    if let order = machine.rebuild { consent.loseData = order.lostNames }
    return consent
  }

  /// What the next install makes of these disks.
  /// - Throws: ``LayoutRefusal`` where it can not.
  func plannedLayout(of machine: Machine, _ disks: DiskInventory, in database: Database) throws -> LayoutPlan {
    var spec = machine.layout
    var keeping = machine.installedDisks?.compactMap(\.volumeGroupUUID).first
    if let order = machine.rebuild {
      keeping = order.keeping
      if let disk = order.systemDisk { spec.systemDisk = disk }
      if let disk = order.dataDisk { spec.dataDisk = disk }
    }
    var plan = try LayoutPlanner.plan(
      inventory: disks, spec: spec, consent: installConsent(of: machine, in: database),
      identity: machine.layoutIdentity, keeping: keeping,
      known: (machine.installedDisks ?? []).map {
        KnownDisk(name: $0.identifier, serial: $0.serial, tableUUID: $0.partitionTableUUID)
      })
    // A group that is taken over keeps the tags of the name that the machine had when it was made.
    if let order = machine.rebuild, plan.volumeGroup.kept != nil, !order.task.tags.isEmpty {
      plan.volumeGroup.tags = order.task.tags
    }
    return plan
  }

  public func inventory(_ inventory: MachineInventory, signed request: SignedRequest) async throws {
    try await handleCurrent(request) { database, now, machine in
      machine.inventory = inventory
      try machine.update(database)
      try recordFacts(of: machine, in: database, now: now)
    }
  }

  public func progress(_ report: ProgressReport, signed request: SignedRequest) async throws {
    try await handleCurrent(request) { database, now, machine in
      let isNewStep = machine.progress?.step != report.step.rawValue
      machine.progress = MachineProgress(
        step: report.step.rawValue, fraction: report.fraction, detail: displayable(report.detail, limit: 500), at: now)
      try machine.update(database)
      try keepLog(report.logLines, step: report.step, of: machine, in: database, now: now)
      if isNewStep {
        try record("\(report.step.title): \(report.detail)", of: machine, kind: "progress", in: database, now: now)
      }
    }
  }

  public func installed(_ report: InstalledReport, signed request: SignedRequest) async throws {
    try await handleCurrent(request) { database, now, machine in
      guard report.task == machine.install else {
        throw AgentRefusal(code: .notExpected, message: "this is not the install that was ordered")
      }
      if machine.state == .installed, machine.nodeKey == report.nodeKey { return }
      machine.nodeKey = report.nodeKey
      machine.nodeRecipient = report.nodeRecipient
      machine.nodeCounter = 0
      machine.installedDisks = report.disks
      machine.progress = nil
      // The layout named a disk that is gone.
      if let disk = machine.rebuild?.dataDisk { machine.layout.dataDisk = disk }
      if let disk = machine.rebuild?.systemDisk, machine.layout.systemDisk != .automatic {
        machine.layout.systemDisk = disk
      }
      if machine.rebuild != nil { try compare(report, of: &machine, in: database, now: now) }
      try settleRestore(of: &machine, in: database, now: now)
      machine.rebuild = nil
      try note(report, of: &machine, in: database, now: now)
      try change(&machine, by: .finish, "installed \(report.closure)", in: database, now: now)
      try database.execute(sql: "DELETE FROM consent WHERE machine = ?", arguments: [machine.id])
    }
  }

  public func failed(_ report: FailedReport, signed request: SignedRequest) async throws {
    try await handleCurrent(request) { database, now, machine in
      if machine.state == .failed { return }
      try keepLog(report.logLines, step: report.step, isWhole: true, of: machine, in: database, now: now)
      machine.reason = displayable("\(report.step.title): \(report.error)", limit: 1000)
      try change(
        &machine, by: .fail, "failed at \(report.step.title): \(report.error)",
        detail: report.logLines.suffix(200).joined(separator: "\n"), in: database, now: now)
    }
  }
}
