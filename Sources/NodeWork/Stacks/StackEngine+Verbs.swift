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
        let project = try project(stack, set)
        if !isEnding {
          try RestoreJournal.checkStart(of: stack.name, folders)
          try await VolumeMounts.read(runner).check(stack.volumes, of: stack.name)
        }
        let services = service.map { [$0] } ?? []
        switch verb {
        case .up: try await project.up(services)
        case .down where service != nil:
          throw NodeWorkError(.configuration, "a single service is not taken down", advice: "use stop")
        case .down: try await runner.work(project.command(["down"]), .services)
        case .start, .stop, .restart:
          try await runner.work(project.command([verb.rawValue] + services), .services)
        }
        // Before the next stack: a kill in between forgets nothing.
        if service == nil {
          if isEnding { memory.stopped.insert(stack.name) } else { memory.stopped.remove(stack.name) }
          try write(memory)
        }
        outcomes.append(StackOutcome(stack: stack.name, action: isEnding ? .stopped : .started))
      } catch {
        outcomes.append(StackOutcome(stack: stack.name, action: .failed, problem: "\(error)"))
      }
    }
    return outcomes
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
    try await takeDown(stack, set, &memory)
    set.stacks.removeAll { $0.name == name }
    try DurableFile.writeJSON(set, to: folders.appliedStacks)
    return stack.volumes.filter { !$0.isShared }.map(\.path)
  }

  /// A call of the container engine for the caller to become, such as `logs --follow`.
  public func command(_ name: String, _ arguments: [String]) throws(NodeWorkError) -> Command {
    guard let set = try applied() else { throw Self.nothingApplied }
    return try project(try set.stack(name), set).command(arguments)
  }
}
