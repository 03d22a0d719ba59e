import Foundation
import GRDB

extension Fleet {
  func movePlan(
    _ request: StackMoveRequest, here: StackMoveSide, there: StackMoveSide, declared: StackChoices,
    in database: Database
  ) throws -> StackMovePlan {
    let (source, target) = (try find(request.source, in: database), try find(request.target, in: database))
    let stack = request.stack
    var problems = try standingProblems(stack, source, target, in: database)
    var plan = StackMovePlan(
      stack: stack, source: source.name.text, target: target.name.text, oldNames: here.names, newNames: there.names)
    let settings = JSONValue.object(source.choices.settings)
    let mine = SharedFolders(settings, own: StackChoices(source).fileSystems.map(\.mountPoint))
    let theirs = SharedFolders(.object(declared.settings), own: declared.fileSystems.map(\.mountPoint))
    for volume in here.volumes {
      let path = there.volumes.first { $0.name == volume.name }?.path
      if let place = mine.place(of: volume.path), let path, place == theirs.place(of: path) {
        plan.sharedFolders.append(volume.path)
      } else if volume.isBackedUp {
        plan.folders.append(volume.path)
      } else {
        plan.leftFolders.append(volume.path)
      }
    }
    let backedUp = here.volumes.filter(\.isBackedUp).map(\.path)
    if !plan.folders.isEmpty, let shared = backedUp.first(where: plan.sharedFolders.contains) {
      problems.append(
        "\(shared) is on NFS that both mount, and \(plan.folders.joined(separator: ", ")) is not: a restore would bring back "
          + "both; place all of them on one of the two")
    }
    var pairs = here.secrets.compactMap { name, secret in
      there.secrets[name].map { SecretCopy(from: secret, to: $0) }
    }
    if !plan.folders.isEmpty {
      let (plans, others) = (BorgPlan.all(in: settings), BorgPlan.all(in: .object(declared.settings)))
      if let found = Self.common(stack, plans, others) {
        (plan.repository, plan.url) = (found.source.repository, found.source.url)
        (plan.sourcePlan, plan.targetPlan) = (found.source.name, found.target.name)
        for volume in here.volumes where plan.folders.contains(volume.path) && !found.source.copies(volume) {
          problems.append(
            "the plan \(found.source.name) of \(source.name) does not copy \(volume.path): its classes leave out "
              + "\(volume.placement ?? "that folder's"); add it there, or bring that folder over by hand")
        }
        if found.source.needsKeyFile {
          problems.append(
            "the key of \(found.source.repository) is a file on \(source.name), which \(target.name) does not have: copy it "
              + "there and move the data by hand with 'backup restore'")
        }
        if let from = found.source.passphrase(of: stack), let to = found.target.passphrase(of: stack) {
          pairs.append(SecretCopy(from: from, to: to))
        } else {
          problems.append(
            "the passphrase of '\(stack)' is not named by the plan \(found.source.name) of \(source.name), or not by the plan "
              + "\(found.target.name) of \(target.name)")
        }
        problems += try found.target.accessSecrets.filter { try secret($0, of: target, in: database) == nil }.map {
          "\(target.name) has no secret '\($0)', which opens the way to \(found.target.repository): "
            + "bootstead machine secret \(target.name) \($0) < FILE"
        }
      } else {
        problems.append(Self.noRepository(stack, plans, others, source, target))
      }
    }
    for pair in pairs.sorted(by: { $0.to < $1.to }) {
      if let problem = try problem(pair, source, target, in: database) {
        problems.append(problem)
      } else if try secret(pair.to, of: target, in: database) == nil,
        !plan.secrets.contains(where: { $0.to == pair.to })
      {
        plan.secrets.append(pair)
      }
    }
    guard problems.isEmpty else {
      throw FleetError.conflict(
        "'\(stack)' can not move, and nothing was changed:" + problems.map { "\n  \($0)" }.joined())
    }
    try plan.seal()
    return plan
  }

  private func standingProblems(_ stack: String, _ source: Machine, _ target: Machine, in database: Database) throws
    -> [String]
  {
    guard source.id != target.id else { return ["\(source.name) is where it is"] }
    var problems: [String] = []
    for machine in [source, target] where machine.state != .active || machine.finishedInstall != machine.install {
      problems.append(
        "\(machine.name) is \(machine.state.rawValue), and both have to run: bootstead why \(machine.name)")
    }
    if !source.stacks.contains(stack) { problems.append("\(source.name) does not have it") }
    if target.stacks.contains(stack) { problems.append("\(target.name) has a stack of that name already") }
    for machine in [source, target] {
      for row in try openMoves(of: machine, in: database) where row.move.stack == stack && row.move.state != .restored {
        problems.append("it is on its way already: \(try named(row, in: database).standing)")
      }
      if let order = try Rollout.filter(sql: "machine = ? AND endedAt IS NULL", arguments: [machine.id])
        .fetchOne(database)
      {
        problems.append("\(machine.name) changes its system (\(order.kind.rawValue)): wait for its end")
      }
    }
    return problems
  }

  /// The first plan of the source that holds the stack, and whose repository a plan of the target has too.
  private static func common(_ stack: String, _ plans: [BorgPlan], _ others: [BorgPlan]) -> (
    source: BorgPlan, target: BorgPlan
  )? {
    for plan in plans where plan.holds(stack) {
      if let other = others.first(where: { $0.url == plan.url && $0.holds(stack) }) { return (plan, other) }
    }
    return nil
  }

  private static func noRepository(
    _ stack: String, _ plans: [BorgPlan], _ others: [BorgPlan], _ source: Machine, _ target: Machine
  ) -> String {
    let held = plans.filter { $0.holds(stack) }
    guard !held.isEmpty else {
      return
        "no plan of \(source.name)'s settings of the design \(BorgPlan.design) holds it, so that nothing can carry its "
        + "data: give it one, or lay its data on NFS that both mount"
    }
    let urls = held.map { "\($0.repository) (\($0.url))" }.joined(separator: ", ")
    return
      "its data goes to \(urls), and no plan of \(target.name) with the design \(BorgPlan.design) has a repository with "
      + "that URL" + (others.isEmpty ? "" : ": it has \(others.map(\.url).joined(separator: ", "))")
      + "; declare one in settings.backup of machines/\(target.name).json"
  }

  private func secret(_ name: String, of machine: Machine, in database: Database) throws -> Data? {
    try Data.fetchOne(
      database, sql: "SELECT value FROM secret WHERE machine = ? AND name = ?", arguments: [machine.id, name])
  }

  /// Why a secret can not be given to the target; nil where it can, or where the target has it.
  private func problem(_ pair: SecretCopy, _ source: Machine, _ target: Machine, in database: Database) throws
    -> String?
  {
    let set = "bootstead machine secret \(target.name) \(pair.to)"
    let (mine, theirs) = (
      try secret(pair.from, of: source, in: database), try secret(pair.to, of: target, in: database)
    )
    switch (mine, theirs) {
    case (nil, nil): return "no value of the secret '\(pair.to)' is stored: \(set) < FILE"
    case (nil, .some): return nil
    case (.some(let mine), .some(let theirs)):
      return mine == theirs
        ? nil
        : "\(target.name) has another secret '\(pair.to)' than \(source.name), and its data needs the same: \(set) --remove"
    case (.some, nil):
      let mayTrust =
        try Bool.fetchOne(
          database, sql: "SELECT firstUse FROM secret WHERE machine = ? AND name = ?",
          arguments: [source.id, pair.from]) ?? false
      return target.trust == .verified || mayTrust
        ? nil
        : "nobody compared the code of \(target.name), so it is not given the secret '\(pair.to)': "
          + "\(set) --first-use < FILE"
    }
  }
}
