import DiskLayout
import Foundation
import GRDB
import NetworkAddress

extension Fleet {
  /// What applying these files would change. Nothing changes.
  public func planDeclaration(_ files: DeclaredFiles, rules: DeclarationRules) async throws -> DeclarationPlan {
    let declaration = try Declaration(files, rules: rules)
    return try await database.read { database in try plan(declaration, rules: rules, in: database) }
  }

  /// Makes the registry what the files declare, in one transaction. Machines that they do not name stay as they are.
  /// - Parameter consented: the digest of the plan that the operator saw.
  public func applyDeclaration(_ files: DeclaredFiles, rules: DeclarationRules, consented: String) async throws
    -> DeclarationPlan
  {
    let declaration = try Declaration(files, rules: rules)
    return try await write { database, now in
      let plan = try plan(declaration, rules: rules, in: database)
      guard plan.digest == consented else {
        throw FleetError.conflict(
          "something changed since the plan that you consented to, and nothing was applied: look at it again with "
            + "bootstead plan -f DIR")
      }
      // Addresses go first, so that machines may swap cards.
      for declared in declaration.machines {
        guard let machine = try stored(declared.name, in: database) else { continue }
        for address in try addresses(of: machine, in: database) where !declared.addresses.contains(address) {
          try database.execute(
            sql: "DELETE FROM nic WHERE machine = ? AND mac = ?", arguments: [machine.id, address.description])
        }
      }
      for change in plan.machines {
        guard let declared = declaration.machines.first(where: { $0.name.text == change.machine }) else { continue }
        try apply(declared, change, in: database, now: now)
      }
      try files.store(in: database, now: now)
      if !plan.isEmpty {
        var event = FleetEvent(
          machine: nil, at: now, kind: "setting", state: nil, text: "declaration \(plan.files) applied",
          detail: plan.text)
        try event.insert(database)
      }
      return plan
    }
  }

  /// The last declaration that was applied.
  public func declaration() async throws -> AppliedDeclaration? {
    try await database.read { try DeclaredFiles.stored(in: $0) }
  }

  private func stored(_ name: MachineName, in database: Database) throws -> Machine? {
    try Machine.filter(sql: "name = ?", arguments: [name.text]).fetchOne(database)
  }

  private func apply(
    _ declared: DeclaredMachine, _ change: DeclarationPlan.MachineChange, in database: Database, now: Date
  ) throws {
    func set(_ machine: inout Machine) {
      machine.role = declared.roles.isEmpty ? nil : declared.roles.joined(separator: ",")
      machine.stacks = declared.stacks
      machine.image = declared.image
      machine.choices = declared.choices
      machine.stateVersion = declared.stateVersion ?? machine.stateVersion
      machine.layout = declared.layout ?? machine.layout
    }
    let fields = change.fields.map { "\($0.field): \($0.old ?? "-") → \($0.new ?? "-")" }.joined(separator: "\n")
    if var machine = try stored(declared.name, in: database) {
      set(&machine)
      for address in declared.addresses { try add(address, to: machine, in: database) }
      try machine.update(database)
      try record(
        "declared anew: \(change.fields.map(\.field).joined(separator: ", "))", of: machine, kind: "setting",
        detail: fields, in: database, now: now)
      return
    }
    var machine = Machine(
      name: declared.name, state: .approved, layout: declared.layout ?? LayoutSpec(), createdAt: now)
    set(&machine)
    try insert(&machine, addresses: declared.addresses, in: database)
    try record("machine declared by the operator", of: machine, kind: "state", detail: fields, in: database, now: now)
    try arm(&machine, window: Fleet.declaredWindow, in: database, now: now)
  }

  /// Seconds for which the first install of a declared machine stays armed.
  static let declaredWindow: TimeInterval = 7 * 86_400

  private func plan(_ declaration: Declaration, rules: DeclarationRules, in database: Database) throws
    -> DeclarationPlan
  {
    let machines = try Machine.order(sql: "name").fetchAll(database)
    let declaredNames = Set(declaration.machines.map(\.name))
    var plan = DeclarationPlan(
      machines: [], modules: [], undeclared: machines.map(\.name).filter { !declaredNames.contains($0) }.map(\.text),
      notes: [], files: declaration.files.digest)
    var problems: [String] = []
    for declared in declaration.machines {
      for (index, address) in declared.addresses.enumerated() {
        if let owner = try find(mac: address, in: database), !declaredNames.contains(owner.name) {
          problems.append(
            "machines/\(declared.name).json: addresses[\(index)]: \(address) belongs to the machine '\(owner.name)', "
              + "which is not declared: bootstead machine rename \(owner.name) \(declared.name), or remove it")
        }
      }
      let machine = machines.first { $0.name == declared.name }
      let old = try machine.map { Self.fields(of: $0, addresses: try addresses(of: $0, in: database)) } ?? [:]
      var target = machine ?? Machine(name: declared.name, state: .approved, layout: LayoutSpec(), createdAt: now())
      target.role = declared.roles.isEmpty ? nil : declared.roles.joined(separator: ",")
      (target.stacks, target.image, target.choices) = (declared.stacks, declared.image, declared.choices)
      target.stateVersion = declared.stateVersion ?? target.stateVersion
      target.layout = declared.layout ?? target.layout
      problems += rules.stacks(DeclaredStacks(choices: StackChoices(target), files: declaration.files))
      let new = Self.fields(of: target, addresses: declared.addresses.sorted { $0.description < $1.description })
      let changes = Self.fieldNames.filter { old[$0] != new[$0] }
        .map { DeclarationPlan.Field(field: $0, old: old[$0], new: new[$0]) }
      if machine == nil || !changes.isEmpty {
        plan.machines.append(.init(machine: declared.name.text, isNew: machine == nil, fields: changes))
      }
      if let machine, machine.finishedInstall != nil, !changes.isEmpty {
        if changes.contains(where: { $0.field == "layout" }) {
          plan.notes.append("\(machine.name): the layout takes effect at its next install")
        }
        if changes.contains(where: { $0.field == "stateVersion" }) {
          plan.notes.append(
            "\(machine.name): stateVersion is that of its first install; services may take their old data for new")
        }
      }
    }
    let before = try DeclaredFiles.stored(in: database)?.files ?? [:]
    let after = declaration.files.files
    let own = DeclaredFiles(before).ownStacks.union(declaration.files.ownStacks)
    for machine in machines where !declaredNames.contains(machine.name) {
      // What is not declared stays as it is, so the stacks that it is made of have to stay good.
      let choices = StackChoices(machine)
      guard !own.isDisjoint(with: choices.templates.values) else { continue }
      problems += rules.stacks(DeclaredStacks(choices: choices, files: declaration.files))
        .map { "the machine '\(machine.name)', which is not declared: \($0)" }
    }
    guard problems.isEmpty else { throw FleetError.declaration(Self.unique(problems)) }
    for path in Set(before.keys).union(after.keys).sorted()
    where DeclaredFiles.isModuleFile(path) || DeclaredFiles.isStackFile(path) {
      guard before[path] != after[path] else { continue }
      func short(_ data: Data?) -> String? { data.map { String(DeclaredFiles(["": $0]).digest.prefix(12)) } }
      plan.modules.append(.init(field: path, old: short(before[path]), new: short(after[path])))
    }
    plan.seal()
    return plan
  }

  /// Two machines may have one bad stack.
  private static func unique(_ problems: [String]) -> [String] {
    var seen: Set<String> = []
    return problems.filter { seen.insert($0).inserted }
  }

  private static let fieldNames = [
    "addresses", "roles", "stacks", "image", "stateVersion", "layout", "network", "administrator", "settings",
    "modules",
  ]

  /// What a declaration may change of a machine, as text.
  private static func fields(of machine: Machine, addresses: [MACAddress]) -> [String: String] {
    func json(_ value: (some Encodable)?) -> String? {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      return value.flatMap { try? encoder.encode($0) }.map { String(decoding: $0, as: UTF8.self) }
    }
    var fields: [String: String] = [
      "addresses": addresses.map(\.description).joined(separator: ", "), "stateVersion": machine.stateVersion,
      "layout": machine.layout.words,
    ]
    fields["roles"] = machine.roles.isEmpty ? nil : machine.roles.joined(separator: ", ")
    fields["stacks"] = machine.stacks.isEmpty ? nil : machine.stacks.joined(separator: ", ")
    fields["image"] = machine.image
    fields["network"] = json(machine.choices.network)
    fields["administrator"] = json(machine.choices.administrator)
    fields["settings"] = machine.choices.settings.isEmpty ? nil : json(machine.choices.settings)
    fields["modules"] = machine.choices.modules.isEmpty ? nil : machine.choices.modules.joined(separator: ", ")
    return fields
  }
}
