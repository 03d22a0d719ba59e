import FoundationEssentials
import ProgramRunner
import StackSet

extension CompiledStack {
  /// All services, sorted; none where the Compose file names none.
  var services: [String] { serviceFields.keys.sorted() }

  /// Services that run as long as the stack does, sorted. Others only prepare these, and end.
  var lastingServices: [String] {
    serviceFields.filter { ["always", "unless-stopped"].contains($0.value["restart"]?.text) }.keys.sorted()
  }

  /// The compiler writes each service's restart policy, and the Compose file as JSON.
  private var serviceFields: [String: ComposeValue] {
    (try? JSONDecoder().decode(ComposeValue.self, from: Data(compose.utf8)))?["services"]?.fields ?? [:]
  }
}

extension StackEngine.Memory {
  func isStopped(_ service: String, of stack: String) -> Bool { stopped.contains(stack + "/" + service) }

  /// The stack and each of its services.
  mutating func forgetStopped(_ stack: String) {
    stopped = stopped.filter { $0 != stack && !$0.hasPrefix(stack + "/") }
  }
}

extension StackEngine {
  /// - Throws: kind `unfinished` where a rollback of the stack did not end: what services write would be lost, or does not
  ///   fit together.
  func checkRollback(_ stack: String) throws(NodeWorkError) {
    if let halted = try DurableFile.value(HaltedRollback.self, at: folders.haltedRollback(stack)) {
      throw NodeWorkError(
        .unfinished, halted.problem,
        advice: "roll back again, or start it as it is with 'bootstead-agent stacks start \(stack)'")
    }
    try checkCutOffRollback(stack)
  }

  func checkCutOffRollback(_ stack: String) throws(NodeWorkError) {
    guard let journal = try DurableFile.value(SnapshotJournal.self, at: folders.snapshotJournal(stack)),
      let rollback = journal.rollback, rollback.done < rollback.snapshots.count
    else { return }
    throw NodeWorkError(
      .unfinished, "the rollback of \(stack) to “\(rollback.label)” was cut off, and is not through",
      advice: "go on with it by 'bootstead-agent backup recover'")
  }

  /// Services that ought to run and do not. Docker starts what ran before a restart of the machine while stacks' own file
  /// systems and secrets are not there yet: those services that need none of them run, and the others are not tried again.
  func missing(
    _ stack: CompiledStack, _ project: ComposeProject, _ memory: Memory
  ) async throws(NodeWorkError) -> [String] {
    let running = try await project.running()
    let lasting = stack.lastingServices
    guard !lasting.isEmpty else { return running.isEmpty ? ["its services"] : [] }
    return lasting.filter { !running.contains($0) && !memory.isStopped($0, of: stack.name) }
  }

  /// Whether the operator stopped it, as a whole or service by service.
  func isStopped(_ stack: CompiledStack, _ memory: Memory) -> Bool {
    let lasting = stack.lastingServices
    return memory.stopped.contains(stack.name)
      || (!lasting.isEmpty && lasting.allSatisfy { memory.isStopped($0, of: stack.name) })
  }

  /// What is brought up of a stack: nothing by name, which is all, where the operator stopped no single service.
  func services(of stack: CompiledStack, _ memory: Memory) -> [String] {
    let lasting = stack.lastingServices
    let wanted = lasting.filter { !memory.isStopped($0, of: stack.name) }
    return wanted == lasting ? [] : wanted
  }

  /// Lays a stack's files down, and makes its containers what they say.
  /// - Parameter services: all where there are none.
  func bringUp(
    _ stack: CompiledStack, _ services: [String], _ set: StackSet, _ memory: inout Memory
  ) async throws(NodeWorkError) {
    let project = try project(stack, set)
    let isChanged = memory.digests[stack.name] != stack.digest
    try layDown(stack, set, &memory)
    try await project.up(services, recreates: isChanged && !stack.configurations.isEmpty)
  }
}
