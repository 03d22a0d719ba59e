import AgentProtocol

extension NodeTask {
  /// The arguments of `bootstead-agent` that carry it out.
  /// - Parameter asJSON: its output as JSON, where it has that.
  public func arguments(asJSON: Bool) -> [String] {
    func names(_ stacks: [StackName]) -> [String] { stacks.map(\.text) }
    func chosen(_ plan: BackupPlanName?) -> [String] { plan.map { ["--plan", $0.text] } ?? [] }
    let json = asJSON ? ["--json"] : []
    return switch self {
    case .applyStacks: ["stacks", "apply"] + json
    case .stack(let verb, let target): ["stacks", verb.rawValue] + json + (target.map { [$0.text] } ?? [])
    case .logs(let target, let lines): ["stacks", "logs", "--lines", "\(lines)", target.text]
    case .followLogs(let target, let lines, let since):
      ["stacks", "logs", "--lines", "\(lines)", "--timestamps"] + (since.map { ["--since", $0.text] } ?? [])
        + [target.text]
    case .processes(let stack): ["stacks", "ps"] + json + (stack.map { [$0.text] } ?? [])
    case .usage(let stack): ["stacks", "stats"] + json + [stack.text]
    case .showStorage: ["storage", "show"] + json
    case .createSnapshot(let name, let stacks): ["snapshot", "create"] + json + [name.text] + names(stacks)
    case .listSnapshots(let stacks): ["snapshot", "list"] + json + names(stacks)
    // The appliance has the operator's consent on record.
    case .rollBackSnapshot(let stack, let name): ["snapshot", "rollback", "--yes"] + json + [stack.text, name.text]
    case .destroySnapshot(let stack, let name): ["snapshot", "destroy"] + json + [stack.text, name.text]
    case .backUp(let plan, let stacks):
      ["backup", "run"] + json + names(stacks).flatMap { ["--stack", $0] } + [plan.text]
    case .listArchives(let stack, let plan): ["backup", "archives"] + json + chosen(plan) + [stack.text]
    case .checkBackups(let stacks, let plan, let verifiesData):
      ["backup", "check"] + json + chosen(plan) + (verifiesData ? ["--verify-data"] : []) + names(stacks)
    // Without the flag the agent refuses: data is never deleted along with a stack.
    case .removeStack(let stack): ["stacks", "remove"] + json + ["--keep-data", stack.text]
    case .pruneBackups(let plan, let stacks):
      ["backup", "prune"] + json + names(stacks).flatMap { ["--stack", $0] } + [plan.text]
    case .showCoverage: ["backup", "coverage"] + json
    case .recoverBackups: ["backup", "recover"] + json
    case .testRestore(let stacks): ["backup", "test-restore"] + json + names(stacks)
    case .restore(let stack, let archive, let plan):
      ["backup", "restore"] + json + chosen(plan) + ["--archive", archive.text, stack.text]
    case .clusterNodes: ["cluster", "nodes"] + json
    case .drainNode(let node, let deletesScratch, let acceptsOutage):
      ["cluster", "drain"] + json + (deletesScratch ? ["--delete-scratch"] : [])
        + (acceptsOutage ? ["--accept-outage"] : []) + [node.text]
    case .uncordonNode(let node): ["cluster", "uncordon"] + json + [node.text]
    case .forgetNode(let node): ["cluster", "forget"] + json + [node.text]
    case .kubeconfig(let server, let recipient):
      ["cluster", "kubeconfig"] + json + ["--server", server.text, "--recipient", recipient.description]
    }
  }

  /// After this time it is ended: something hangs.
  var timeLimit: Duration {
    switch self {
    case .logs, .processes, .usage, .showStorage, .listSnapshots, .listArchives, .showCoverage: .seconds(600)
    case .followLogs: .seconds(60)
    case .clusterNodes, .uncordonNode, .forgetNode, .kubeconfig: .seconds(600)
    case .createSnapshot, .rollBackSnapshot, .destroySnapshot, .recoverBackups, .drainNode: .seconds(3600)
    // Images are fetched.
    case .applyStacks, .stack, .removeStack: .seconds(2 * 3600)
    case .backUp, .checkBackups, .pruneBackups, .testRestore, .restore: .seconds(72 * 3600)
    }
  }
}
