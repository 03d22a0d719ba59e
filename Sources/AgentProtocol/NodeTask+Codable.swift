extension NodeTask: Codable {
  private enum Key: String, CodingKey {
    case task, stack, container, stacks, lines, name, plan, archive, verifiesData
    case since, node, deletesScratch, acceptsOutage, server, recipient
  }

  private enum Kind: String, Codable {
    case applyStacks, up, down, start, stop, restart, logs, processes, usage, showStorage, createSnapshot, listSnapshots
    case rollBackSnapshot, destroySnapshot, backUp, listArchives, checkBackups, showCoverage, recoverBackups,
      testRestore
    case restore, removeStack, pruneBackups
    case followLogs, clusterNodes, drainNode, uncordonNode, forgetNode, kubeconfig
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    func stack() throws -> StackName { try container.decode(StackName.self, forKey: .stack) }
    func stacks() throws -> [StackName] { try container.decodeIfPresent([StackName].self, forKey: .stacks) ?? [] }
    func plan() throws -> BackupPlanName? { try container.decodeIfPresent(BackupPlanName.self, forKey: .plan) }
    func target() throws -> StackTarget? {
      let inner = try container.decodeIfPresent(ContainerName.self, forKey: .container)
      guard let stack = try container.decodeIfPresent(StackName.self, forKey: .stack) else {
        guard inner == nil else {
          throw DecodingError.dataCorruptedError(
            forKey: .container, in: container, debugDescription: "a container without its stack")
        }
        return nil
      }
      return StackTarget(stack, container: inner)
    }
    func name() throws -> SnapshotName { try container.decode(SnapshotName.self, forKey: .name) }
    switch try container.decode(Kind.self, forKey: .task) {
    case .applyStacks: self = .applyStacks
    case .up: self = .stack(.up, try target())
    case .down: self = .stack(.down, try target())
    case .start: self = .stack(.start, try target())
    case .stop: self = .stack(.stop, try target())
    case .restart: self = .stack(.restart, try target())
    case .logs:
      _ = try stack()
      self = .logs(
        try target() ?? StackTarget(stack()), lines: try container.decode(Int.self, forKey: .lines))
    case .followLogs:
      _ = try stack()
      self = .followLogs(
        try target() ?? StackTarget(stack()), lines: try container.decode(Int.self, forKey: .lines),
        since: try container.decodeIfPresent(LogTime.self, forKey: .since))
    case .processes: self = .processes(try container.decodeIfPresent(StackName.self, forKey: .stack))
    case .usage: self = .usage(try stack())
    case .showStorage: self = .showStorage
    case .createSnapshot: self = .createSnapshot(try name(), try stacks())
    case .listSnapshots: self = .listSnapshots(try stacks())
    case .rollBackSnapshot: self = .rollBackSnapshot(try stack(), try name())
    case .destroySnapshot: self = .destroySnapshot(try stack(), try name())
    case .backUp: self = .backUp(try container.decode(BackupPlanName.self, forKey: .plan), try stacks())
    case .listArchives: self = .listArchives(try stack(), plan: try plan())
    case .checkBackups:
      self = .checkBackups(
        try stacks(), plan: try plan(),
        verifiesData: try container.decodeIfPresent(Bool.self, forKey: .verifiesData) ?? false)
    case .removeStack: self = .removeStack(try stack())
    case .pruneBackups: self = .pruneBackups(try container.decode(BackupPlanName.self, forKey: .plan), try stacks())
    case .showCoverage: self = .showCoverage
    case .recoverBackups: self = .recoverBackups
    case .testRestore: self = .testRestore(try stacks())
    case .restore:
      self = .restore(try stack(), try container.decode(ArchiveName.self, forKey: .archive), plan: try plan())
    case .clusterNodes: self = .clusterNodes
    case .drainNode:
      self = .drainNode(
        try container.decode(ClusterNodeName.self, forKey: .node),
        deletesScratch: try container.decodeIfPresent(Bool.self, forKey: .deletesScratch) ?? false,
        acceptsOutage: try container.decodeIfPresent(Bool.self, forKey: .acceptsOutage) ?? false)
    case .uncordonNode: self = .uncordonNode(try container.decode(ClusterNodeName.self, forKey: .node))
    case .forgetNode: self = .forgetNode(try container.decode(ClusterNodeName.self, forKey: .node))
    case .kubeconfig:
      self = .kubeconfig(
        server: try container.decode(ClusterAddress.self, forKey: .server),
        try container.decode(AgeRecipient.self, forKey: .recipient))
    }
    do { try check() } catch {
      throw DecodingError.dataCorrupted(
        .init(codingPath: container.codingPath, debugDescription: error.description))
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    func put(_ kind: Kind) throws { try container.encode(kind, forKey: .task) }
    func put(_ stacks: [StackName]) throws { try container.encode(stacks, forKey: .stacks) }
    func put(_ plan: BackupPlanName?) throws { try container.encodeIfPresent(plan, forKey: .plan) }
    func put(_ target: StackTarget?) throws {
      try container.encodeIfPresent(target?.stack, forKey: .stack)
      try container.encodeIfPresent(target?.container, forKey: .container)
    }
    func put(_ stack: StackName) throws { try container.encode(stack, forKey: .stack) }
    func put(_ name: SnapshotName) throws { try container.encode(name, forKey: .name) }
    switch self {
    case .applyStacks: try put(.applyStacks)
    case .stack(let verb, let target):
      try container.encode(verb, forKey: .task)
      try put(target)
    case .logs(let target, let lines):
      try put(.logs)
      try put(target)
      try container.encode(lines, forKey: .lines)
    case .followLogs(let target, let lines, let since):
      try put(.followLogs)
      try put(target)
      try container.encode(lines, forKey: .lines)
      try container.encodeIfPresent(since, forKey: .since)
    case .processes(let stack):
      try put(.processes)
      try container.encodeIfPresent(stack, forKey: .stack)
    case .usage(let stack):
      try put(.usage)
      try put(stack)
    case .showStorage: try put(.showStorage)
    case .createSnapshot(let name, let stacks):
      try put(.createSnapshot)
      try put(name)
      try put(stacks)
    case .listSnapshots(let stacks):
      try put(.listSnapshots)
      try put(stacks)
    case .rollBackSnapshot(let stack, let name):
      try put(.rollBackSnapshot)
      try put(stack)
      try put(name)
    case .destroySnapshot(let stack, let name):
      try put(.destroySnapshot)
      try put(stack)
      try put(name)
    case .backUp(let plan, let stacks):
      try put(.backUp)
      try container.encode(plan, forKey: .plan)
      try put(stacks)
    case .listArchives(let stack, let plan):
      try put(.listArchives)
      try put(stack)
      try put(plan)
    case .checkBackups(let stacks, let plan, let verifiesData):
      try put(.checkBackups)
      try put(stacks)
      try put(plan)
      if verifiesData { try container.encode(true, forKey: .verifiesData) }
    case .removeStack(let stack):
      try put(.removeStack)
      try put(stack)
    case .pruneBackups(let plan, let stacks):
      try put(.pruneBackups)
      try container.encode(plan, forKey: .plan)
      try put(stacks)
    case .showCoverage: try put(.showCoverage)
    case .recoverBackups: try put(.recoverBackups)
    case .testRestore(let stacks):
      try put(.testRestore)
      try put(stacks)
    case .restore(let stack, let archive, let plan):
      try put(.restore)
      try put(stack)
      try container.encode(archive, forKey: .archive)
      try put(plan)
    case .clusterNodes: try put(.clusterNodes)
    case .drainNode(let node, let deletesScratch, let acceptsOutage):
      try put(.drainNode)
      try container.encode(node, forKey: .node)
      if deletesScratch { try container.encode(true, forKey: .deletesScratch) }
      if acceptsOutage { try container.encode(true, forKey: .acceptsOutage) }
    case .uncordonNode(let node):
      try put(.uncordonNode)
      try container.encode(node, forKey: .node)
    case .forgetNode(let node):
      try put(.forgetNode)
      try container.encode(node, forKey: .node)
    case .kubeconfig(let server, let recipient):
      try put(.kubeconfig)
      try container.encode(server, forKey: .server)
      try container.encode(recipient, forKey: .recipient)
    }
  }
}
