import ProgramRunner
import StackSet

/// Single stacks, by name.
extension StackEngine {
  public enum Verb: String, Sendable, CaseIterable { case up, down, start, stop, restart }

  /// - Parameter target: `STACK` or `STACK/SERVICE`; all stacks where there is none.
  public func act(_ verb: Verb, on target: String?) async throws(NodeWorkError) -> [StackOutcome] {
    let held = try FileLock.acquire(folders.stacksLock, holder: "the stacks")
    defer { held.release() }
    guard let set = try applied() else { throw Self.nothingApplied }
    let parts = target?.split(separator: "/", maxSplits: 1).map(String.init)
    let service = parts?.dropFirst().first
    var memory = try read()
    let isEnding = verb == .down || verb == .stop
    let named = if let name = parts?.first { [try set.stack(name)] } else { set.stacks }
    var outcomes: [StackOutcome] = []
    // Down in the reverse order: nothing runs without what it depends on.
    for stack in isEnding ? named.reversed() : named {
      do {
        if !isEnding {
          try RestoreJournal.checkStart(of: stack.name, folders)
          try await VolumeMounts.read(runner).check(stack.volumes, of: stack.name)
        }
        try await act(verb, stack, service, set, &memory)
        // Before the next stack: a kill in between forgets nothing.
        try write(memory)
        outcomes.append(StackOutcome(stack: stack.name, action: isEnding ? .stopped : .started))
      } catch {
        outcomes.append(StackOutcome(stack: stack.name, action: .failed, problem: "\(error)"))
      }
    }
    return outcomes
  }

  private func act(
    _ verb: Verb, _ stack: CompiledStack, _ service: String?, _ set: StackSet, _ memory: inout Memory
  ) async throws(NodeWorkError) {
    let held = try await ServicesLock.take(stack.name, folders, patience: patience)
    defer { held?.release() }
    if verb != .down && verb != .stop {
      try checkCutOffRollback(stack.name)
      // The operator says so by starting it.
      try DurableFile.remove(folders.haltedRollback(stack.name))
    }
    let known = known(stack.name, set)
    let all = stack.services
    // Compose passes over a name that it does not know.
    if let service, !all.isEmpty, !all.contains(service) {
      throw NodeWorkError(
        .unknownStack, "\(stack.name) has no container \(service)", advice: "it has \(all.joined(separator: ", "))")
    }
    let services = service.map { [$0] } ?? []
    switch verb {
    case .down where service != nil:
      throw NodeWorkError(.configuration, "a single service is not taken down", advice: "use stop")
    case .down, .stop:
      try await runner.work(known.command([verb.rawValue] + services), .services)
      memory.stopped.insert(([stack.name] + services).joined(separator: "/"))
      return
    case .restart:
      // Of what is as declared. Others would go on with what they were made from, or are not there.
      let made = try await known.made()
      let wanted = services.isEmpty ? stack.lastingServices : services
      if memory.digests[stack.name] == stack.digest, !made.isEmpty, wanted.allSatisfy(made.contains) {
        try await runner.work(known.command([verb.rawValue] + services), .services)
      } else {
        try await bringUp(stack, services, set, &memory)
      }
    // What changed while it was stopped is taken in, and what was taken down is made again.
    case .up, .start: try await bringUp(stack, services, set, &memory)
    }
    if service == nil {
      memory.forgetStopped(stack.name)
      memory.digests[stack.name] = stack.digest
    } else {
      // With a service comes what it depends on.
      for running in try await known.running() { memory.stopped.remove(stack.name + "/" + running) }
    }
  }

  /// Takes a stack down and forgets it. Its data stays where it is.
  /// - Returns: where that is.
  public func remove(_ name: String) async throws(NodeWorkError) -> [String] {
    let held = try FileLock.acquire(folders.stacksLock, holder: "the stacks")
    defer { held.release() }
    guard var set = try applied() else { throw Self.nothingApplied }
    let stack = try set.stack(name)
    if let other = set.stacks.first(where: { $0.dependsOn.contains(name) }) {
      throw NodeWorkError(.services, "\(other.name) depends on \(name)", advice: "remove \(other.name) first")
    }
    var memory = try read()
    try await takeDown(name, set, &memory)
    set.stacks.removeAll { $0.name == name }
    try DurableFile.writeJSON(set, to: folders.appliedStacks)
    return stack.volumes.filter { !$0.isShared }.map(\.path)
  }

  /// A call of the container engine for the caller to become, such as `logs --follow`.
  public func command(_ name: String, _ arguments: [String]) throws(NodeWorkError) -> Command {
    guard let set = try applied() else { throw Self.nothingApplied }
    return known(try set.stack(name).name, set).command(arguments)
  }
}
