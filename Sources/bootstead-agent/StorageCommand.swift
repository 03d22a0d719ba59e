import ArgumentParser
import NodeWork
import ProgramRunner
import StackSet

/// On an installed node.
struct StorageCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "storage", abstract: "Where the stacks' data lies.",
    subcommands: [StorageShow.self, StorageApply.self])

  static func storage(_ options: NodeWorkOptions) throws -> NodeStorage {
    let runner = SubprocessRunner()
    let engine = StackEngine(folders: options.folders, runner: runner, say: NodeWorkOutput.say)
    guard let set = try engine.applied() else { throw StackEngine.nothingApplied }
    return NodeStorage(set: set, snapshots: .found(runner: runner), runner: runner)
  }
}

struct StorageShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Pools with data and metadata use, volumes, and what is to be seen to.",
    discussion: "Ends with 1 where there is an alarm.")

  @OptionGroup var options: NodeWorkOptions

  func run() async throws {
    try await NodeWorkOutput.tell {
      let report = try await StorageCommand.storage(options).report()
      if options.json {
        print(try NodeWorkJSON.text(report))
      } else {
        for pool in report.pools {
          let metadata = pool.metadataPercent.map { ", metadata \($0) %" } ?? ""
          print("pool \(pool.name): \(pool.bytes >> 30) GiB, data \(pool.dataPercent) %\(metadata)")
        }
        print(
          NodeWorkOutput.table(
            report.volumes.map { [$0.stack, $0.name, $0.class, $0.path, "\($0.fileSystem ?? "-") \($0.source ?? "")"] })
        )
        for alarm in report.alarms { NodeWorkOutput.say("alarm: \(alarm)") }
      }
      if !report.alarms.isEmpty { throw ExitCode.failure }
    }
  }
}

struct StorageApply: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apply", abstract: "Make the volumes that are missing.")

  @OptionGroup var options: NodeWorkOptions
  @Flag(help: "Give the volumes' folders the owners that were declared.") var repairOwners = false

  func run() async throws {
    try await NodeWorkOutput.tell {
      let done = try await StorageCommand.storage(options).apply(repairsOwners: repairOwners)
      print(options.json ? try NodeWorkJSON.text(done) : done.joined(separator: "\n"))
    }
  }
}
