import StackSet

extension BackupPlan {
  /// Whether it copies all of a stack that has to be copied; of dumps: whether it dumps the stack's databases.
  /// - Parameter source: what a path lies on, as `findmnt` names it.
  func holds(_ stack: CompiledStack, source: (String) -> String?) -> Bool {
    switch design {
    case .dumps: stacks.contains(stack.name) && !stack.backup.dump.isEmpty
    // What they copy is folders and classes, whatever stacks the plan names.
    case .mirror, .coldCopy, .proxmox: scope?.holds(stack, source: source) == true
    case .borg where stacks.contains(stack.name): repositoryPlan?.copied(stack) == stack
    default: stacks.contains(stack.name) || scope?.holds(stack, source: source) == true
    }
  }

  /// Whether what it makes lies on the disks that it is made of.
  var isLostWithDisk: Bool {
    if case .dumps = design { return true }
    return tier == 2
  }

  /// From this age on its copies are no backup any more.
  var staleSeconds: Double {
    if case .coldCopy = design { return BackupCoverage.coldStaleSeconds }
    return BackupCoverage.staleSeconds
  }

  /// - Throws: where stacks are picked of a plan that copies folders or a disk as a whole.
  func check(selection stacks: [String]) throws(NodeWorkError) {
    switch design {
    case .mirror, .coldCopy, .proxmox:
      guard !stacks.isEmpty else { return }
      throw NodeWorkError(
        .configuration, "this plan copies folders as a whole, and no single stacks", advice: "run it without --stack")
    default: return
    }
  }
}
