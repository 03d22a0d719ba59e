import AgentProtocol
import Crypto
import DiskLayout
import Foundation
import GRDB
import NetworkAddress

extension Fleet {
  /// What a rebuild would do. Nothing changes.
  public func previewRebuild(_ name: String, _ request: RebuildRequest) async throws -> RebuildPreview {
    try await database.read { database in
      try draft(of: find(name, in: database), request, in: database).preview
    }
  }

  /// Arms a rebuild: its install keeps the data, and stops where what is kept is not found.
  /// - Parameter request: carries the digest of the preview that the operator consented to.
  public func rebuild(_ name: String, _ request: RebuildRequest) async throws -> MachineDetail {
    try await write { database, now in
      var machine = try find(name, in: database)
      let (draft, preview) = try draft(of: machine, request, in: database)
      guard let consented = request.digest else {
        throw FleetError.conflict("nobody consented to this rebuild of '\(machine.name)': give the preview's digest")
      }
      guard consented == preview.digest else {
        throw FleetError.conflict(
          "the record of '\(machine.name)' changed since the preview that you consented to: expected "
            + "\(displayable(consented, limit: 64)), found \(preview.digest). Look at it again: "
            + "bootstead rebuild \(machine.name) --dry-run")
      }
      guard (60...2_592_000).contains(request.window) else {
        throw FleetError.invalidValue(
          field: "window", reason: "\(request.window) s is not between 1 minute and 30 days")
      }
      for change in try addressChanges(of: machine, request, in: database) {
        try replace(change, of: machine, in: database, now: now)
      }
      try giveConsent(request.consents, to: machine, in: database, now: now)
      for disk in draft.lost {
        try record(
          "the operator consented to lose the data on \(disk.summary)", of: machine, kind: "consent", in: database,
          now: now)
      }
      var order = draft.order(digest: preview.digest, now: now)
      order.begun = machine.rebuild?.begun ?? (machine.finishedInstall != machine.install)
      machine.rebuild = order
      machine.wipe = nil
      machine.closure = try request.closure.map(checkedClosure) ?? machine.closure
      machine.acceptsHardware = request.acceptsHardware
      machine.comparesCode = machine.comparesCode || request.comparesCode
      // What was compared was the code of the last install's agent.
      if [.installed, .active].contains(machine.state) { machine.trust = .trustOnFirstUse }
      machine.evidenceRefusal = nil
      machine.planRefusal = nil
      machine.bootsWithoutReport = []
      machine.progress = nil
      if machine.finishedInstall == machine.install { machine.install = UUID().uuidString.lowercased() }
      try setRestore(preview.restores, of: &machine, in: database, now: now)
      machine.armedUntil = now.addingTimeInterval(request.window)
      if request.now {
        machine.networkBoot = NetworkBootOrder(
          identifier: UUID().uuidString.lowercased(), orderedAt: now, bootIdentifier: machine.bootIdentifier)
      }
      try change(
        &machine, by: .rebuild,
        "rebuild armed for \(Int(request.window / 60)) minutes, as consented to with preview \(preview.digest)",
        detail: preview.text, in: database, now: now)
      return try detail(of: machine, in: database)
    }
  }

  /// The request checked against the record, with its preview.
  private func draft(of machine: Machine, _ request: RebuildRequest, in database: Database) throws
    -> (draft: RebuildDraft, preview: RebuildPreview)
  {
    guard Fleet.mayRebuild(machine) else {
      throw FleetError.conflict(
        "'\(machine.name)' is \(machine.state.rawValue), so it can not be rebuilt now; expected active, installed or "
          + "failed"
          + (machine.state == .installing ? ": its install is under way, bootstead watch \(machine.name)" : ""))
    }
    let draft = try RebuildDraft(machine, request)
    if let closure = request.closure { _ = try checkedClosure(closure) }
    var notes: [String] = []
    for change in try addressChanges(of: machine, request, in: database) {
      notes.append("the address \(change.old) is replaced by \(change.new)")
    }
    let secrets = try String.fetchAll(
      database, sql: "SELECT name FROM secret WHERE machine = ? AND NOT firstUse ORDER BY name", arguments: [machine.id]
    )
    if !secrets.isEmpty {
      let names = secrets.joined(separator: ", ")
      notes.append(
        machine.comparesCode || request.comparesCode
          ? "the install waits until you compare the code on its screen, and then gets the secrets \(names)"
          : "the secrets \(names) are withheld, as nobody compares the code on its screen: add --compare-code")
    }
    if request.closure == nil, !draft.replacements.isEmpty, let closure = machine.closure,
      try layout(of: closure, of: machine, in: database) != nil
    {
      notes.append(
        "the system was built for the disk that is gone: once the machine has shown the new one it waits until you run "
          + "bootstead build \(machine.name)")
    }
    if let owner = try otherOwner(of: Set(draft.replacements.values), than: machine, in: database) {
      notes.append("\(owner.disk) is on record as a disk of the machine '\(owner.name)'")
    }
    if request.restore == nil, !draft.lost.isEmpty, !machine.stacks.isEmpty {
      notes.append("nothing is restored: add --restore latest to have the stacks' data back from their repositories")
    }
    let cluster = try clusterRebuild(of: machine, request, in: database)
    var preview = draft.preview(notes: notes + cluster.notes)
    preview.lost += cluster.lost
    if let restore = request.restore {
      guard restore == "latest" else {
        throw FleetError.invalidValue(
          field: "restore", reason: "'\(displayable(restore, limit: 80))' is not 'latest', the only one there is")
      }
      let planner = RestorePlanner(machine, plan: draft.plan, isGroupKept: draft.lost.isEmpty)
      preview.restores = planner.restores(of: request.stackData)
    }
    preview.digest = try digest(of: preview, machine, request, in: database)
    return (draft, preview)
  }

  /// Installing: only while the agent waits because no layout can be made; another one is at work.
  static func mayRebuild(_ machine: Machine) -> Bool {
    guard MachineTransition.rebuild.next(from: machine.state) != nil else { return false }
    return machine.state != .installing || machine.planRefusal != nil || machine.evidenceRefusal != nil
  }

  /// Changes with whatever the preview was made of.
  private func digest(
    of preview: RebuildPreview, _ machine: Machine, _ request: RebuildRequest, in database: Database
  ) throws -> String {
    struct Record: Encodable {
      var preview: RebuildPreview
      var identifier: String
      var install: String
      var finishedInstall: String?
      var disks: [InstalledDisk]?
      var plan: LayoutPlan?
      var layout: LayoutSpec
      var inventory: DiskInventory?
      var addresses: [MACAddress]
      var request: RebuildRequest
    }
    var constant = preview
    constant.reportedAt = nil
    constant.digest = ""
    var asked = request
    asked.digest = nil
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let data = try encoder.encode(
      Record(
        preview: constant, identifier: machine.identifier, install: machine.install,
        finishedInstall: machine.finishedInstall, disks: machine.installedDisks, plan: machine.plan,
        layout: machine.layout, inventory: machine.inventory?.disks, addresses: addresses(of: machine, in: database),
        request: asked))
    return SHA256.hash(data: data).prefix(16).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  // MARK: Addresses

  private typealias AddressChange = (old: MACAddress, new: MACAddress)

  private func addressChanges(of machine: Machine, _ request: RebuildRequest, in database: Database) throws
    -> [AddressChange]
  {
    let present = try addresses(of: machine, in: database)
    let list = present.map(\.description).joined(separator: ", ")
    return try request.replaceAddresses.compactMap { change -> AddressChange? in
      if present == [change.new] { return nil }
      if change.old == nil, present.count != 1 {
        throw FleetError.invalidValue(
          field: "replace-mac",
          reason: "'\(machine.name)' has the addresses \(list): say which one is gone, --replace-mac OLD=\(change.new)")
      }
      guard let old = change.old ?? present.first, present.contains(old) else {
        throw FleetError.invalidValue(
          field: "replace-mac",
          reason: "\(change.old?.description ?? "") is no address of '\(machine.name)'; expected one of \(list)")
      }
      if change.new.isMulticast || change.new.value == 0 {
        throw FleetError.invalidValue(field: "replace-mac", reason: "\(change.new) is not the address of one card")
      }
      if let owner = try find(mac: change.new, in: database), owner.id != machine.id, owner.state != .discovered {
        throw FleetError.addressTaken(change.new.description, owner: owner.name.text)
      }
      return (old, change.new)
    }
  }

  private func replace(_ change: AddressChange, of machine: Machine, in database: Database, now: Date) throws {
    // The new board asked before, and was registered as a stranger.
    if let stranger = try find(mac: change.new, in: database), stranger.id != machine.id {
      try record(
        "\(change.new) was discovered as '\(stranger.name)', which is this machine", of: machine, kind: "setting",
        in: database, now: now)
      try stranger.delete(database)
    }
    try database.execute(
      sql: "DELETE FROM nic WHERE machine = ? AND mac = ?", arguments: [machine.id, change.old.description])
    try add(change.new, to: machine, in: database)
    try record(
      "the operator replaced the address \(change.old) by \(change.new)", of: machine, kind: "setting", in: database,
      now: now)
  }

  private func otherOwner(of disks: Set<String>, than machine: Machine, in database: Database) throws
    -> (name: MachineName, disk: String)?
  {
    guard !disks.isEmpty else { return nil }
    let others = Machine.filter(sql: "id <> ? AND installedDisks IS NOT NULL", arguments: [machine.id])
    for other in try others.fetchAll(database) {
      for record in other.installedDisks ?? [] {
        if let disk = disks.first(where: { $0 == record.identifier || $0 == record.serial }) {
          return (other.name, disk)
        }
      }
    }
    return nil
  }

  // MARK: The end of an arming

  /// The time of an arming is over. A rebuild or a wipe that did not begin leaves the machine as it was before.
  func disarm(_ machine: inout Machine, in database: Database, now: Date) throws {
    if let order = machine.rebuild, !order.begun, let finished = machine.finishedInstall {
      machine.rebuild = nil
      machine.restore = nil
      machine.install = finished
      machine.acceptsHardware = false
      try database.execute(sql: "DELETE FROM consent WHERE machine = ?", arguments: [machine.id])
    }
    let what = machine.wipe == nil ? "install" : "wipe"
    machine.wipe = nil
    machine.networkBoot = nil
    machine.evidenceRefusal = nil
    machine.planRefusal = nil
    try change(&machine, by: .disarm, "the \(what) was not started in time", in: database, now: now)
  }
}
