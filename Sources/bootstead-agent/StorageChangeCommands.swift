import ArgumentParser
import NodeWork
import ProgramRunner
import StackSet

struct StorageExtend: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "extend", abstract: "Grow a pool, or a stack's volume with its file system, while it is in use.",
    discussion: "Nothing is made smaller. Run again after a power cut, it goes on.")

  @OptionGroup var storage: StorageOptions
  @Argument(help: "GROUP/POOL or STACK/VOLUME.") var target: String
  @Argument(help: "What it shall have, such as 20GiB, or how much more, such as +5GiB.") var size: String

  func run() async throws {
    try await NodeWorkOutput.tell {
      let context = try storage.context()
      let done = try await StorageExtension(set: context.set, snapshots: context.snapshots, runner: context.runner)
        .extend(target, by: StorageSize(size))
      print(storage.json ? try NodeWorkJSON.text(done) : done.joined(separator: "\n"))
    }
  }
}

struct StorageAddDisk: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add-disk", abstract: "Add empty disks to a pool. A disk that has anything on it is refused.",
    discussion: """
      Prints its plan, and changes nothing without --yes; it ends with 5 then. Run again after a power cut, it goes on.
      """)

  @OptionGroup var storage: StorageOptions
  @Argument(help: "The disk, by its stable name or serial number; for a ZFS mirror as many as its mirrors have.")
  var disks: [String]
  @Option(help: "The pool, where there are several.") var pool: String?
  @Flag(help: "Carry the plan out.") var yes = false

  private struct Result: Encodable {
    var plan: DiskAddition.Plan
    var done: [String]
  }

  func run() async throws {
    try await NodeWorkOutput.tell {
      let context = try storage.context()
      let addition = DiskAddition(folders: context.folders, snapshots: context.snapshots, runner: context.runner)
      let plan = try await addition.plan(disks, pool: pool, found: MachineDisks().disks())
      for line in plan.lines { storage.json ? NodeWorkOutput.say(line) : print(line) }
      guard yes || plan.steps.isEmpty else {
        NodeWorkOutput.say("bootstead-agent: nothing was changed: say --yes to carry this out")
        throw ExitCode(5)
      }
      let done = try await addition.carryOut(plan)
      print(storage.json ? try NodeWorkJSON.text(Result(plan: plan, done: done)) : done.joined(separator: "\n"))
    }
  }
}

struct StorageScrubCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scrub", abstract: "Look for damage in pools and file systems that are in use.",
    discussion: """
      On ZFS it begins a scrub, which goes on by itself. On LVM each stack's file systems are checked by their own tools \
      over a snapshot. Ends with 1 where there is damage, or a stack could not be looked at.
      """)

  @OptionGroup var storage: StorageOptions
  @Argument(help: "The pool; all where there is none.") var pool: String?

  func run() async throws {
    try await NodeWorkOutput.tell {
      let context = try storage.context()
      let scrub = StorageScrub(
        snapshots: context.snapshots, engine: context.snapshotEngine, runner: context.runner)
      let findings = try await scrub.scrub(pool)
      if storage.json {
        print(try NodeWorkJSON.text(findings))
      } else {
        for finding in findings { print(finding.text) }
      }
      if context.snapshots.hasThin { NodeWorkOutput.say(StorageScrub.limits) }
      if findings.contains(where: { $0.isDamaged || $0.isUnchecked }) { throw ExitCode.failure }
    }
  }
}
