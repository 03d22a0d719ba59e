import FoundationEssentials
import ProgramRunner
import StackSet

/// What became of one stack.
public struct StackOutcome: Sendable, Hashable, Codable {
  public enum Action: String, Sendable, Hashable, Codable {
    /// Runs as it did.
    case unchanged
    case started
    /// The operator stopped it: its files are laid down, and it stays down.
    case stopped
    case removed
    case failed
    /// What it depends on failed, or another process holds its services.
    case skipped
    /// Not in the set any more, and left as it is.
    case leftover
  }

  public var stack: String
  public var action: Action
  public var problem: String?
  /// The folders of its volumes that were not there when this system first brought it up, and were made; nil where
  /// nobody looked.
  public var made: [String]?
}

/// Brings a machine's stacks up as declared, and down by name.
public struct StackEngine: Sendable {
  let folders: NodeFolders
  let runner: any CommandRunner
  /// How long a stack is waited for whose services another process holds.
  let patience: Duration
  let say: @Sendable (String) -> Void

  public init(
    folders: NodeFolders = NodeFolders(), runner: any CommandRunner, patience: Duration = .seconds(120),
    say: @escaping @Sendable (String) -> Void
  ) {
    self.folders = folders
    self.runner = runner
    self.patience = patience
    self.say = say
  }

  /// What the engine remembers between calls.
  struct Memory: Sendable, Hashable, Codable {
    /// Of what runs, by stack.
    var digests: [String: String] = [:]
    /// Stacks that the operator stopped, and single services of others as `STACK/SERVICE`.
    var stopped: Set<String> = []
    /// Folders of volumes that were made here.
    var made: Set<String>?

    func made(of stack: CompiledStack) -> [String] { stack.volumes.map(\.path).filter { made?.contains($0) == true } }
  }

  /// The set that was applied last.
  public func applied() throws(NodeWorkError) -> StackSet? {
    try DurableFile.value(StackSet.self, at: folders.appliedStacks)
  }

  public static func read(_ path: String) throws(NodeWorkError) -> StackSet {
    guard let bytes = try DurableFile.bytes(of: path) else {
      throw NodeWorkError(.configuration, "there is no \(path)", advice: "name the compiled stack set")
    }
    let set: StackSet
    do {
      set = try StackSet(bytes)
    } catch {
      throw NodeWorkError(.configuration, "\(path): \(error)", advice: "have the appliance compile it again")
    }
    try check(set, path)
    return set
  }

  /// What would break out of its folder, or stand in another's way. The compiler's rules are not repeated here.
  private static func check(_ set: StackSet, _ path: String) throws(NodeWorkError) {
    func isName(_ text: String) -> Bool {
      !text.isEmpty && text.utf8.count <= 63 && text.utf8.first != 0x2D
        && text.utf8.allSatisfy { ($0 >= 0x30 && $0 <= 0x39) || ($0 >= 0x61 && $0 <= 0x7A) || $0 == 0x2D }
    }
    func isFile(_ name: String) -> Bool { !name.isEmpty && !name.contains("/") && name != "." && name != ".." }
    func isBelowRoot(_ path: String) -> Bool {
      path.hasPrefix("/") && path.count > 1 && !path.split(separator: "/").contains("..")
    }
    for network in set.networks where !isName(network) {
      throw NodeWorkError(.configuration, "\(path): “\(network)” can not name a network")
    }
    var names: Set<String> = []
    for stack in set.stacks {
      guard isName(stack.name) else {
        throw NodeWorkError(.configuration, "\(path): “\(stack.name)” can not name a stack")
      }
      guard names.insert(stack.name).inserted else {
        throw NodeWorkError(.configuration, "\(path): the stack \(stack.name) is there twice")
      }
      for file in stack.configurations.keys where !isFile(file) || file == "compose.yaml" {
        throw NodeWorkError(.configuration, "\(path): \(stack.name) has a configuration file “\(file)”")
      }
      for file in stack.backup.dump.map(\.output) + stack.backup.restore.map(\.input) where !isFile(file) {
        throw NodeWorkError(.configuration, "\(path): \(stack.name) has a dump “\(file)”")
      }
      for volume in stack.volumes where !isBelowRoot(volume.path) || !isFile(volume.name) {
        throw NodeWorkError(.configuration, "\(path): \(stack.name) has a volume “\(volume.name)” at “\(volume.path)”")
      }
      for volume in stack.volumes
      where !(0...0xFFFF_FFFE).contains(volume.owner.user) || !(0...0xFFFF_FFFE).contains(volume.owner.group) {
        throw NodeWorkError(.configuration, "\(path): the owner of the volume \(volume.name) of \(stack.name) is none")
      }
      for secret in stack.secrets where !secret.reference.hasPrefix("secret:") || !isFile(secret.secretName) {
        throw NodeWorkError(
          .configuration, "\(path): the secret \(secret.name) of \(stack.name) is no reference to one")
      }
    }
  }

  // MARK: All of them

  /// Lays down all stacks and starts those that changed, in order. One that fails leaves alone what does not depend on
  /// it.
  /// - Parameter removesOthers: whether stacks that are not in the set any more are taken down; their data stays.
  public func apply(_ set: StackSet, removesOthers: Bool = false) async throws(NodeWorkError) -> [StackOutcome] {
    let held = try FileLock.acquire(folders.stacksLock, holder: "the stacks")
    defer { held.release() }
    var memory = try read()
    var outcomes: [StackOutcome] = []
    var left: [CompiledStack] = []
    for old in try applied()?.stacks ?? [] where !set.stacks.contains(where: { $0.name == old.name }) {
      guard removesOthers else {
        outcomes.append(StackOutcome(stack: old.name, action: .leftover))
        left.append(old)
        continue
      }
      do {
        try await takeDown(old.name, set, &memory)
        outcomes.append(StackOutcome(stack: old.name, action: .removed))
      } catch {
        outcomes.append(StackOutcome(stack: old.name, action: .failed, problem: "\(error)"))
        left.append(old)
      }
    }
    // What runs is what is backed up: before the first start, and with what was left.
    var all = set
    all.stacks += left
    try DurableFile.writeJSON(all, to: folders.appliedStacks)

    for network in set.networks { try await ensure(network, set.engine) }
    let mounts = try await VolumeMounts.read(runner)
    var failed: Set<String> = []
    for stack in set.stacks {
      if let missing = stack.dependsOn.first(where: failed.contains) {
        failed.insert(stack.name)
        outcomes.append(
          StackOutcome(stack: stack.name, action: .skipped, problem: "it depends on \(missing), which failed"))
        continue
      }
      do {
        let action = try await apply(stack, set, mounts, &memory)
        outcomes.append(StackOutcome(stack: stack.name, action: action, made: memory.made(of: stack)))
      } catch {
        failed.insert(stack.name)
        // Held by a backup, a restore or a rollback: not touched.
        let action = [.locked, .unfinished].contains(error.kind) ? StackOutcome.Action.skipped : .failed
        outcomes.append(
          StackOutcome(stack: stack.name, action: action, problem: "\(error)", made: memory.made(of: stack)))
        say("\(stack.name): \(error)")
      }
    }
    return outcomes
  }

  private func apply(
    _ stack: CompiledStack, _ set: StackSet, _ mounts: VolumeMounts, _ memory: inout Memory
  ) async throws(NodeWorkError) -> StackOutcome.Action {
    let held = try await ServicesLock.take(stack.name, folders, patience: patience)
    defer { held?.release() }
    try checkRollback(stack.name)
    let project = try project(stack, set)
    try RestoreJournal.checkStart(of: stack.name, folders)
    try await mounts.check(stack.volumes, of: stack.name)
    // At each start too: no line of fstab names a stack's own file system.
    for disk in StackDisk.all(of: stack) {
      for line in try await StackDisks(runner: runner).apply(disk) { say("\(stack.name): \(line)") }
    }
    for volume in stack.volumes where !DurableFile.exists(volume.path) {
      // Before it is made: afterwards nobody could tell.
      memory.made = (memory.made ?? []).union([volume.path])
      try write(memory)
      try await VolumeFolder(volume).prepare(runner)
    }
    let isStopped = isStopped(stack, memory)
    if memory.digests[stack.name] == stack.digest {
      if isStopped { return .stopped }
      let missing = try await missing(stack, project, memory)
      if missing.isEmpty { return .unchanged }
      say("\(stack.name): \(missing.joined(separator: ", ")) not running")
    }
    if isStopped {
      try layDown(stack, set, &memory)
      return .stopped
    }
    say("\(stack.name): starting")
    try await bringUp(stack, services(of: stack, memory), set, &memory)
    memory.digests[stack.name] = stack.digest
    try write(memory)
    return .started
  }

  private func ensure(_ network: String, _ engine: ContainerEngine) async throws(NodeWorkError) {
    var look = Command(engine.rawValue, ["network", "inspect", "--format", "{{.Name}}", network])
    look.acceptedCodes = [0, 1, 125]
    if try await runner.work(look, .services).code == 0 { return }
    try await runner.work(Command(engine.rawValue, ["network", "create", network]), .services)
  }

  /// Each file is written only where it differs.
  func layDown(_ stack: CompiledStack, _ set: StackSet, _ memory: inout Memory) throws(NodeWorkError) {
    if let digest = memory.digests[stack.name], digest != stack.digest {
      // Before its files change: where the start fails, what ran before is not what lies there.
      memory.digests[stack.name] = nil
      try write(memory)
    }
    let folder = set.directory + "/" + stack.name
    var files = stack.configurations
    files["compose.yaml"] = stack.compose
    for (name, text) in files.sorted(by: { $0.key < $1.key }) {
      let bytes = Array(text.utf8)
      if try DurableFile.bytes(of: folder + "/" + name) != bytes {
        // Containers of other users read configuration files; secrets are not among them.
        try DurableFile.write(bytes, to: folder + "/" + name, mode: name == "compose.yaml" ? 0o600 : 0o644)
      }
    }
    for name in DurableFile.children(of: folder) where files[name] == nil && name.hasSuffix(".new") {
      try DurableFile.remove(folder + "/" + name)
    }
  }

  func takeDown(_ stack: String, _ set: StackSet, _ memory: inout Memory) async throws(NodeWorkError) {
    let held = try await ServicesLock.take(stack, folders, patience: patience)
    defer { held?.release() }
    let directory = set.directory + "/" + stack
    if DurableFile.exists(directory + "/compose.yaml") {
      // Without --volumes: data stays.
      try await runner.work(known(stack, set).command(["down", "--remove-orphans"]), .services)
      try await runner.work(Command("rm", ["-r", "-f", "--one-file-system", directory]))
    }
    try DurableFile.remove(folders.haltedRollback(stack))
    memory.digests[stack] = nil
    memory.forgetStopped(stack)
    try write(memory)
  }

  // MARK: Parts

  public static let nothingApplied = NodeWorkError(
    .unknownStack, "no stacks were applied on this machine", advice: "run 'bootstead-agent stacks apply'")

  func project(_ stack: CompiledStack, _ set: StackSet) throws(NodeWorkError) -> ComposeProject {
    try ComposeProject(stack: stack, set: set, folders: folders, runner: runner)
  }

  /// For all but bringing it up.
  func known(_ stack: String, _ set: StackSet) -> ComposeProject {
    ComposeProject(named: stack, engine: set.engine, runner: runner)
  }

  func read() throws(NodeWorkError) -> Memory {
    try DurableFile.value(Memory.self, at: folders.stackDigests) ?? Memory()
  }

  func write(_ memory: Memory) throws(NodeWorkError) {
    try DurableFile.writeJSON(memory, to: folders.stackDigests)
  }
}
