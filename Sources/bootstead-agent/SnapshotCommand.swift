import ArgumentParser
import NodeWork
import ProgramRunner
import StackSet

/// On an installed node.
struct SnapshotCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "snapshot", abstract: "Snapshots of stacks, on LVM thin volumes and ZFS.",
    subcommands: [SnapshotCreate.self, SnapshotList.self, SnapshotRollback.self, SnapshotDestroy.self])
}

struct SnapshotOptions: ParsableArguments {
  @OptionGroup var options: NodeWorkOptions

  func context() throws -> (snapshots: NodeSnapshots, set: StackSet, runner: SubprocessRunner) {
    let runner = SubprocessRunner()
    let engine = StackEngine(folders: options.folders, runner: runner, say: NodeWorkOutput.say)
    guard let set = try engine.applied() else {
      throw StackEngine.nothingApplied
    }
    return (.found(runner: runner), set, runner)
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
    commandName: "create", abstract: "Make a snapshot of all volumes of a stack, or of all stacks.")

  @OptionGroup var snapshot: SnapshotOptions
  @Argument(help: "The snapshot's name.") var name: String
  @Argument(help: "The stacks; all where there are none.") var stacks: [String] = []

  func run() async throws {
    try await NodeWorkOutput.tell {
      let (snapshots, set, _) = try snapshot.context()
      var made: [Snapshot] = []
      for stack in stacks.isEmpty ? set.stacks.map(\.name) : stacks {
        made += try await snapshots.create(stack: set.stack(stack), label: name)
      }
      try snapshot.show(made)
    }
  }
}

struct SnapshotList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "Snapshots of stacks.")

  @OptionGroup var snapshot: SnapshotOptions
  @Argument(help: "The stacks; all where there are none.") var stacks: [String] = []

  func run() async throws {
    try await NodeWorkOutput.tell {
      let (snapshots, _, _) = try snapshot.context()
      try snapshot.show(await snapshots.list().filter { stacks.isEmpty || stacks.contains($0.stack) })
    }
  }
}

struct SnapshotRollback: AsyncParsableCommand {
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
      let (snapshots, set, runner) = try snapshot.context()
      let stack = try set.stack(stack)
      let project = try ComposeProject(stack: stack, set: set, folders: snapshot.options.folders, runner: runner)
      try snapshot.show(
        await snapshots.rollBack(stack: stack, label: name, project: project, others: set.stacks))
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
