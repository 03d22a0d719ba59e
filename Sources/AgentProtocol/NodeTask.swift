/// What a running node may be asked to do with its stacks, its storage and its backups. There is nothing else: no
/// command and no argument that is not made of checked names.
public enum NodeTask: Hashable, Sendable {
  public enum StackVerb: String, Hashable, Sendable, Codable, CaseIterable { case up, down, start, stop, restart }

  /// Brings the stacks up as the node's system declares them.
  case applyStacks
  /// All stacks where none is named.
  case stack(StackVerb, StackTarget?)
  /// Takes a stack down and forgets it. Its data stays.
  case removeStack(StackName)
  /// The last lines that a stack's containers printed, ``logLines``.
  case logs(StackTarget, lines: Int)
  /// The same with the time before each line, and only what was printed from a time on.
  case followLogs(StackTarget, lines: Int, since: LogTime?)
  /// The containers of a stack, or of all.
  case processes(StackName?)
  /// What a stack's containers use now.
  case usage(StackName)
  case showStorage
  /// Of all stacks where none is named.
  case createSnapshot(SnapshotName, [StackName])
  case listSnapshots([StackName])
  case rollBackSnapshot(StackName, SnapshotName)
  case destroySnapshot(StackName, SnapshotName)
  /// Of all stacks of the plan where none is named.
  case backUp(BackupPlanName, [StackName])
  case listArchives(StackName, plan: BackupPlanName?)
  /// At least one stack.
  case checkBackups([StackName], plan: BackupPlanName?, verifiesData: Bool)
  /// Removes the archives that the plan's retention does not keep; of all its stacks where none is named.
  case pruneBackups(BackupPlanName, [StackName])
  case showCoverage
  case recoverBackups
  /// Of all stacks where none is named.
  case testRestore([StackName])
  case restore(StackName, ArchiveName, plan: BackupPlanName?)
  /// On a server of a k3s cluster: the cluster's nodes.
  case clusterNodes
  /// A node's pods move to others. What they keep in scratch folders goes only where that is said.
  case drainNode(ClusterNodeName, deletesScratch: Bool, acceptsOutage: Bool)
  case uncordonNode(ClusterNodeName)
  /// A node leaves its cluster, so that the machine can join anew as another system.
  case forgetNode(ClusterNodeName)
  /// The cluster's administration file, sealed on the node to a reader that the appliance is not.
  case kubeconfig(server: ClusterAddress, AgeRecipient)

  public static let logLines = 1...1000
  /// The most stacks that one task may name.
  public static let stackLimit = 100

  /// Whether data of now is given up or replaced: an operator has to consent to it.
  public var isDestructive: Bool {
    switch self {
    case .rollBackSnapshot, .destroySnapshot, .restore, .forgetNode: true
    case .drainNode(_, let deletesScratch, _): deletesScratch
    default: false
    }
  }

  /// Whether anything on the node is another afterwards.
  public var isChange: Bool {
    switch self {
    case .logs, .processes, .usage, .showStorage, .listSnapshots, .listArchives, .showCoverage: false
    case .followLogs, .clusterNodes: false
    default: true
    }
  }

  /// - Throws: ``NodeTaskError`` where a number is out of its range.
  public func check() throws(NodeTaskError) {
    switch self {
    case .logs(_, let lines), .followLogs(_, let lines, _):
      guard Self.logLines.contains(lines) else {
        throw .number(lines, what: "lines of a log", from: Self.logLines.lowerBound, to: Self.logLines.upperBound)
      }
    case .createSnapshot(_, let stacks), .listSnapshots(let stacks), .backUp(_, let stacks), .testRestore(let stacks),
      .pruneBackups(_, let stacks):
      try Self.check(stacks, from: 0)
    case .checkBackups(let stacks, _, _): try Self.check(stacks, from: 1)
    default: break
    }
  }

  private static func check(_ stacks: [StackName], from least: Int) throws(NodeTaskError) {
    guard (least...stackLimit).contains(stacks.count) else {
      throw .number(stacks.count, what: "stacks of one task", from: least, to: stackLimit)
    }
  }
}

/// A stack, or one container of it.
public struct StackTarget: Hashable, Sendable {
  public var stack: StackName
  public var container: ContainerName?

  public init(_ stack: StackName, container: ContainerName? = nil) {
    self.stack = stack
    self.container = container
  }

  /// - Parameter text: `STACK` or `STACK/CONTAINER`.
  public init(_ text: String) throws(NodeTaskError) {
    guard let slash = text.firstIndex(of: "/") else {
      self.init(try StackName(text))
      return
    }
    self.init(
      try StackName(String(text[..<slash])), container: try ContainerName(String(text[text.index(after: slash)...])))
  }

  public var text: String { container.map { "\(stack)/\($0)" } ?? stack.text }
}

/// What can not be asked of a node.
public enum NodeTaskError: Error, Hashable, Sendable, CustomStringConvertible {
  case name(String, what: String, form: String)
  case number(Int, what: String, from: Int, to: Int)

  public var description: String {
    switch self {
    case .name(let text, let what, let form):
      "“\(String(text.unicodeScalars.prefix(80).map { $0.properties.generalCategory == .control ? "\u{FFFD}" : Character($0) }))” "
        + "is not \(what): expected \(form)"
    case .number(let number, let what, let least, let most): "\(number) \(what): expected \(least) to \(most)"
    }
  }
}
