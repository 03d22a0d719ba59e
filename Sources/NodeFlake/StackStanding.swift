import Fleet
import StackSet

/// What a machine's stacks need before they can start.
public struct StackStanding: Codable, Sendable, Equatable {
  /// A secret of theirs: everything but the secret.
  public struct Secret: Codable, Sendable, Equatable {
    /// As the appliance keeps it.
    public var name: String
    /// `STACK: NAME` of each stack that reads it.
    public var uses: [String]
    public var isStored: Bool
    public var isOnNode: Bool
    /// How a value can be made; nil where only the operator knows it.
    public var generate: StackSecret.Generation?
  }

  public var machine: String
  /// In the order in which they start.
  public var stacks: [String]
  /// Why they are refused; nothing below is known then.
  public var problems: [String]
  public var secrets: [Secret]

  /// Secrets that the appliance does not have.
  public var missing: [Secret] { secrets.filter { !$0.isStored } }

  init(machine: String, set: StackSet?, problems: [String] = [], stored: [SecretStanding] = []) {
    (self.machine, self.problems) = (machine, problems)
    stacks = set?.stacks.map(\.name) ?? []
    secrets = []
    for stack in set?.stacks ?? [] {
      for secret in stack.secrets {
        let name = String(secret.reference.dropFirst("secret:".count))
        let use = "\(stack.name): \(secret.name)"
        if let index = secrets.firstIndex(where: { $0.name == name }) {
          secrets[index].uses.append(use)
          if secret.generate == nil { secrets[index].generate = nil }
          continue
        }
        let known = stored.first { $0.name == name }
        secrets.append(
          Secret(
            name: name, uses: [use], isStored: known != nil, isOnNode: known?.isOnNode ?? false,
            generate: secret.generate))
      }
    }
    secrets.sort { $0.name < $1.name }
  }
}

extension NodeFlakes {
  /// What a machine's stacks need, and what of it the appliance has.
  /// - Throws: where there is no such machine, and where there are no templates.
  public nonisolated func stackStanding(of name: String) async throws -> StackStanding {
    let declared = try await fleet.declaredStacks(of: name)
    let machine = declared.choices.name.text
    do {
      let set = try templates().stackSet(declared)
      return StackStanding(machine: machine, set: set, stored: try await fleet.secrets(of: name))
    } catch FleetError.stacks(_, let problems) {
      return StackStanding(machine: machine, set: nil, problems: problems)
    }
  }

  /// Where a machine's stacks keep what is backed up.
  /// - Throws: ``FleetError`` where the stacks do not compile, and where there are no templates.
  public nonisolated func stackData(of name: String) async throws -> [StackData] {
    let set = try templates().stackSet(await fleet.declaredStacks(of: name))
    return (set?.stacks ?? []).map { stack in
      let volumes = stack.volumes.filter(\.isBackedUp)
      return StackData(
        stack: stack.name, folders: volumes.map(\.path), classes: Set(volumes.map(\.class.rawValue)).sorted(),
        placements: Dictionary(volumes.map { ($0.path, $0.class.rawValue) }, uniquingKeysWith: { first, _ in first }))
    }
  }

  /// Where there are templates, the stacks of a machine that is to be added keep all rules.
  public nonisolated func check(stacksOf add: AddMachine) async throws {
    guard hasTemplates, !add.stacks.isEmpty else { return }
    _ = try templates().stackSet(await fleet.declaredStacks(of: add))
  }

  /// The same after a change. One that does not touch them is never held up by them.
  public nonisolated func check(stacksOf name: String, after change: SetMachine) async throws {
    guard hasTemplates, change.stacks != nil || change.role != nil || change.layout != nil else { return }
    _ = try templates().stackSet(await fleet.declaredStacks(of: name, after: change))
  }

  /// The same of an approval.
  public nonisolated func check(stacksOf name: String, after approval: ApproveMachine) async throws {
    guard !approval.stacks.isEmpty else { return }
    var change = SetMachine()
    (change.stacks, change.role, change.layout) = (approval.stacks, approval.role, approval.layout)
    try await check(stacksOf: name, after: change)
  }
}
