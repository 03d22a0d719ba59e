import ArgumentParser
import NodeWork
import ProgramRunner
import StackSet

/// On an installed node.
struct SnapshotCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "snapshot", abstract: "Snapshots of stacks, on LVM thin volumes and ZFS.",
    subcommands: [
      SnapshotCreate.self, SnapshotList.self, SnapshotRollbackCommand.self, SnapshotDestroy.self,
      SnapshotPrune.self,
    ])
}

struct SnapshotOptions: ParsableArguments {
  @OptionGroup var options: NodeWorkOptions

  func context() throws -> (snapshots: NodeSnapshots, set: StackSet, engine: SnapshotEngine) {
    let runner = SubprocessRunner()
    let engine = StackEngine(folders: options.folders, runner: runner, say: NodeWorkOutput.say)
    guard let set = try engine.applied() else {
      throw StackEngine.nothingApplied
    }
    let snapshots = NodeSnapshots.found(runner: runner)
    return (
      snapshots, set,
      SnapshotEngine(folders: options.folders, set: set, snapshots: snapshots, runner: runner, say: NodeWorkOutput.say)
    )
  }

  func show(_ snapshots: [Snapshot]) throws {
    print(
      options.json
        ? try NodeWorkJSON.text(snapshots)
        : NodeWorkOutput.table(
          snapshots.map { [$0.stack, $0.label, $0.purpose.rawValue, $0.created ?? "", $0.name] }))
  }
}

struct SnapshotCreate: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "create", abstract: "Make a snapshot of all volumes of a stack, or of all stacks.",
    discussion: "Of several, one that fails leaves the others alone; it ends with 1 then.")

  @OptionGroup var snapshot: SnapshotOptions
  @Argument(help: "The snapshot's name.") var name: String
  @Argument(help: "The stacks; all where there are none.") var stacks: [String] = []

  func run() async throws {
    try await NodeWorkOutput.tell {
      let (_, _, engine) = try snapshot.context()
      let (made, failures) = try await engine.create(stacks, label: name)
      // Of a single one the error says which, and with which code it ends.
      if let only = failures.first, stacks.count == 1 { throw only.error }
      try snapshot.show(made)
      for failure in failures { NodeWorkOutput.say("\(failure.stack): \(failure.error)") }
      if !failures.isEmpty { throw ExitCode.failure }
    }
  }
}

struct SnapshotPrune: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune", abstract: "Drop scheduled snapshots that their plan's retention does not keep.",
    discussion: """
      Snapshots that were made by hand stay. Plans of the design stack-snapshots make scheduled ones with 'backup run', \
      and prune after each.
      """)

  @OptionGroup var snapshot: SnapshotOptions
  @Argument(help: "The stacks; all of the plans where there are none.") var stacks: [String] = []
  @Option(help: "The backup's configuration.") var configuration = "/etc/bootstead/backup.json"
  @Flag(help: "Say what would be dropped, and drop nothing.") var dryRun = false

  func run() async throws {
    try await NodeWorkOutput.tell {
      let (_, set, engine) = try snapshot.context()
      for stack in stacks { _ = try set.stack(stack) }
      var removed: [Snapshot] = []
      var known: [String] = []
      for (_, plan) in try BackupConfiguration.read(configuration).plans.sorted(by: { $0.key < $1.key }) {
        guard case .snapshots(let settings) = plan.design else { continue }
        known += plan.stacks
        for stack in plan.stacks where stacks.isEmpty || stacks.contains(stack) {
          removed += try await engine.prune(stack, retention: settings.retention(of: stack), isTrial: dryRun)
        }
      }
      if let other = stacks.first(where: { !known.contains($0) }) {
        throw NodeWorkError(
          .configuration, "no plan makes snapshots of \(other), so that none of them is old",
          advice: "enable bootstead.backup.stack-snapshots for it")
      }
      try snapshot.show(removed)
    }
  }
}

struct SnapshotList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "Snapshots of stacks.")

  @OptionGroup var snapshot: SnapshotOptions
  @Argument(help: "The stacks; all where there are none.") var stacks: [String] = []

  func run() async throws {
    try await NodeWorkOutput.tell {
      let (snapshots, set, _) = try snapshot.context()
      let found = try await snapshots.list()
      // Snapshots of a stack that was removed stay, and are listed.
      for stack in stacks where !found.contains(where: { $0.stack == stack }) { _ = try set.stack(stack) }
      try snapshot.show(found.filter { stacks.isEmpty || stacks.contains($0.stack) })
    }
  }
}

struct SnapshotRollbackCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rollback", abstract: "Bring a stack's volumes back to a snapshot; what was written since is lost.",
    discussion: "The stack's services stop for it and start again. The snapshot stays.")

  @OptionGroup var snapshot: SnapshotOptions
  @Argument(help: "The stack.") var stack: String
  @Argument(help: "The snapshot's name.") var name: String
  @Flag(help: "Needed: what was written since is lost.") var yes = false

  func run() async throws {
    guard yes else {
      NodeWorkOutput.say("bootstead-agent: what \(stack) wrote since “\(name)” would be lost: say --yes to go on")
      throw ExitCode(5)
    }
    try await NodeWorkOutput.tell {
      try snapshot.show(await snapshot.context().engine.rollBack(stack, label: name))
    }
  }
}

struct SnapshotDestroy: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "destroy", abstract: "Remove a snapshot of a stack.")

  @OptionGroup var snapshot: SnapshotOptions
  @Argument(help: "The stack.") var stack: String
  @Argument(help: "The snapshot's name.") var name: String

  func run() async throws {
    try await NodeWorkOutput.tell {
      let (snapshots, _, _) = try snapshot.context()
      try snapshot.show(await snapshots.destroy(stack: stack, label: name))
    }
  }
}
