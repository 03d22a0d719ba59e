extension NodeTask: CustomStringConvertible {
  /// As the appliance's command line has it, without the machine.
  public var description: String {
    func words(_ head: String, _ names: [String]) -> String { ([head] + names).joined(separator: " ") }
    func names(_ stacks: [StackName]) -> [String] { stacks.map(\.text) }
    return switch self {
    case .applyStacks: "stack apply"
    case .stack(let verb, let target): words("stack \(verb.rawValue)", target.map { [$0.text] } ?? [])
    case .logs(let target, _), .followLogs(let target, _, _): "stack logs \(target.text)"
    case .processes(let stack): words("stack ps", stack.map { [$0.text] } ?? [])
    case .usage(let stack): "stack stats \(stack)"
    case .showStorage: "storage show"
    case .createSnapshot(let name, let stacks): words("snapshot create \(name)", names(stacks))
    case .listSnapshots(let stacks): words("snapshot list", names(stacks))
    case .rollBackSnapshot(let stack, let name): "snapshot rollback \(stack) \(name)"
    case .destroySnapshot(let stack, let name): "snapshot destroy \(stack) \(name)"
    case .backUp(let plan, let stacks): words("backup run \(plan)", names(stacks))
    case .listArchives(let stack, _): "backup archives \(stack)"
    case .checkBackups(let stacks, _, _): words("backup check", names(stacks))
    case .removeStack(let stack): "stack remove \(stack)"
    case .pruneBackups(let plan, let stacks): words("backup prune \(plan)", names(stacks))
    case .showCoverage: "backup coverage"
    case .recoverBackups: "backup recover"
    case .testRestore(let stacks): words("backup test-restore", names(stacks))
    case .restore(let stack, let archive, _): "backup restore \(stack) --archive \(archive)"
    case .clusterNodes: "cluster nodes"
    case .drainNode(let node, _, _): "cluster drain \(node)"
    case .uncordonNode(let node): "cluster uncordon \(node)"
    case .forgetNode(let node): "cluster forget \(node)"
    case .kubeconfig: "cluster kubeconfig"
    }
  }
}
