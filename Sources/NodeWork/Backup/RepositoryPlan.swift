import StackSet

/// What a run has to know of a design that copies to repositories, whichever program it uses.
struct RepositoryPlan: Sendable, Hashable {
  /// Patterns in the form of the design's program.
  var exclude: [String] = []
  var retention: Retention
  /// Of single stacks, instead.
  var stackRetention: [String: Retention] = [:]
  var checkSeconds: Double
  /// Whether each run removes old archives; otherwise `backup prune` does.
  var isPrunedByRuns = true
  /// The placement classes that are copied; all where there are none.
  var classes: [String]?

  func retention(of stack: String) -> Retention { stackRetention[stack] ?? retention }

  /// The stack as it is copied: volumes of other classes are not.
  func copied(_ stack: CompiledStack) -> CompiledStack {
    guard let classes else { return stack }
    var stack = stack
    for index in stack.volumes.indices where !classes.contains(stack.volumes[index].class.rawValue) {
      stack.volumes[index].isBackedUp = false
    }
    return stack
  }
}

extension BackupPlan {
  /// nil where the design copies to no repository that holds archives.
  var repositoryPlan: RepositoryPlan? {
    switch design {
    case .borg(let settings):
      RepositoryPlan(
        exclude: settings.exclude, retention: settings.retention, stackRetention: settings.stackRetention,
        checkSeconds: settings.checkSchedule.seconds, classes: settings.classes)
    case .restic(let settings):
      RepositoryPlan(
        retention: settings.retention, checkSeconds: settings.checkSchedule.seconds,
        isPrunedByRuns: settings.pruneSchedule == nil, classes: settings.offsite?.classes)
    case .snapshots, .dumps, .mirror, .coldCopy, .proxmox, .other: nil
    }
  }

  /// Whether archives of stacks can be listed, tested and restored.
  public var hasArchives: Bool { repositoryPlan != nil }

  /// The stacks that it copies, or a part of which it copies: those that it names; of an object store those with volumes
  /// of its placement classes.
  public func stacks(in set: StackSet) -> [String] {
    guard case .restic(let settings) = design, settings.offsite != nil, let plan = repositoryPlan else { return stacks }
    return set.stacks.filter { plan.copied($0).volumes.contains(where: \.isBackedUp) }.map(\.name)
  }
}

extension BackupConfiguration {
  /// The plans by which a stack's restore is tested: an object store asks a price for what is read, and is taken where
  /// no other plan makes archives of the stack.
  public func testedPlans(of stack: String, in set: StackSet) -> [BackupPlan] {
    let all = plans.sorted { $0.key < $1.key }.map(\.value).filter {
      $0.hasArchives && $0.stacks(in: set).contains(stack)
    }
    let near = all.filter { plan in
      if case .restic(let settings) = plan.design { return settings.offsite == nil }
      return true
    }
    return near.isEmpty ? all : near
  }
}
