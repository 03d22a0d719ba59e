/// Which repository holds each stack, as the machine's settings say it. Plans of a module of the owner's are not seen.
struct BackupSources {
  enum Source {
    /// With whether a restore touches nothing that is kept.
    case repository(plan: String, name: String, sparesKept: Bool)
    case none(String)
  }

  /// A design whose archives a node can restore. The earlier ones are asked first.
  private enum Design: String, CaseIterable {
    case borg = "borg-per-service"
    case restic = "restic-rest"
    case offsite = "b2-offsite"
  }

  private struct Plan {
    var name: String
    var repository: String
    /// Nil: all that have data of its classes.
    var stacks: [String]?
    /// The placement classes that it copies; nil: all.
    var classes: [String]?
    var needsKeyFile = false

    /// Whether its archives have all that is lost.
    func holds(_ data: StackData, kept: [String]) -> Bool {
      if let stacks, !stacks.contains(data.stack) { return false }
      guard let classes else { return true }
      guard let own = data.classes, !own.isEmpty else { return false }
      if own.allSatisfy(classes.contains) { return true }
      guard let placements = data.placements else { return false }
      return data.folders.allSatisfy { kept.contains($0) || placements[$0].map(classes.contains) == true }
    }

    /// Whether its archives have nothing of what is kept.
    func spares(_ kept: [String], of data: StackData) -> Bool {
      kept.allSatisfy { folder in
        guard let classes, let placement = data.placements?[folder] else { return false }
        return !classes.contains(placement)
      }
    }
  }

  private var plans: [Plan] = []

  init(_ settings: [String: JSONValue], stacks all: [String]) {
    let backup = settings["backup"]?.fields ?? [:]
    for design in Design.allCases {
      if let chosen = backup[design.rawValue]?.fields, chosen["enable"] == .bool(true),
        let plan = Self.plan(design.rawValue, design, chosen, all: all)
      {
        plans.append(plan)
      }
      for (name, value) in (backup["plans"]?.fields ?? [:]).sorted(by: { $0.key < $1.key }) {
        let fields = value.fields
        guard design != .offsite, fields["design"] == .text(design.rawValue),
          let plan = Self.plan(name, design, fields, all: [])
        else { continue }
        plans.append(plan)
      }
    }
  }

  private static func plan(_ name: String, _ design: Design, _ fields: [String: JSONValue], all: [String]) -> Plan? {
    if design == .offsite {
      guard case .text(let url)? = fields["url"] else { return nil }
      // As in templates/backup/b2-offsite.nix.
      return Plan(name: name, repository: url, classes: names(fields["classes"]) ?? ["photos", "appdata"])
    }
    guard case .text(let repository)? = fields["repository"] else { return nil }
    var plan = Plan(
      name: name, repository: repository, stacks: names(fields["stacks"]) ?? all,
      classes: names(fields["classes"]) ?? names(fields["settings"]?.fields["classes"]))
    if case .text(let encryption)? = fields["encryption"] { plan.needsKeyFile = encryption.hasPrefix("keyfile") }
    return plan
  }

  private static func names(_ value: JSONValue?) -> [String]? {
    guard case .array(let values)? = value else { return nil }
    return values.compactMap { if case .text(let text) = $0 { text } else { nil } }
  }

  func source(of data: StackData, kept: [String]) -> Source {
    let holding = plans.filter { $0.holds(data, kept: kept) }
    let readable = holding.filter { !$0.needsKeyFile }
    if let plan = readable.first(where: { $0.spares(kept, of: data) }) ?? readable.first {
      return .repository(plan: plan.name, name: plan.repository, sparesKept: plan.spares(kept, of: data))
    }
    return .none(
      holding.isEmpty
        ? "no backup plan of the machine's settings that a node can restore from holds it"
        : "the repository's key was a file on this machine; put it back and restore by hand")
  }
}
