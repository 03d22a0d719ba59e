import AgentProtocol
import ArgumentParser
import DiskLayout
import NodeAgent
import NodeWork
import ProgramRunner
import StackSet

/// On an installed node.
struct StorageCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "storage", abstract: "Where the stacks' data lies.",
    subcommands: [
      StorageShow.self, StorageApply.self, StorageAudit.self, StorageExtend.self, StorageAddDisk.self,
      StorageScrubCommand.self,
    ])
}

/// What storage commands work with.
struct StorageOptions: ParsableArguments {
  @OptionGroup var options: NodeWorkOptions

  var json: Bool { options.json }

  struct Context {
    let set: StackSet
    let snapshots: NodeSnapshots
    let runner: SubprocessRunner
    let folders: NodeFolders

    var storage: NodeStorage {
      NodeStorage(set: set, snapshots: snapshots, runner: runner, folders: folders, survey: MachineDisks())
    }

    var snapshotEngine: SnapshotEngine {
      SnapshotEngine(folders: folders, set: set, snapshots: snapshots, runner: runner, say: NodeWorkOutput.say)
    }
  }

  func context() throws -> Context {
    let runner = SubprocessRunner()
    let engine = StackEngine(folders: options.folders, runner: runner, say: NodeWorkOutput.say)
    guard let set = try engine.applied() else { throw StackEngine.nothingApplied }
    return Context(set: set, snapshots: .found(runner: runner), runner: runner, folders: options.folders)
  }
}

/// The disks of this machine, by the same readers that an install uses.
struct MachineDisks: DiskSurvey {
  func disks() -> [Disk] { InventoryReader(root: "/").disks().disks }

  func health(of disk: Disk) async -> SmartHealth { await SmartReader().health(ofDevice: disk.node) }
}

struct StorageShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Disks, pools with their use and when they are full, file systems, volumes, and what is to be seen to.",
    discussion: "Ends with 1 where there is an alarm.")

  @OptionGroup var storage: StorageOptions

  func run() async throws {
    try await NodeWorkOutput.tell {
      let report = try await storage.context().storage.report()
      if storage.json {
        print(try NodeWorkJSON.text(report))
      } else {
        show(report)
        for alarm in report.alarms { NodeWorkOutput.say("alarm: \(alarm)") }
      }
      if !report.alarms.isEmpty { throw ExitCode.failure }
    }
  }

  private func show(_ report: NodeStorage.Report) {
    for disk in report.disks {
      let reason = disk.smart.reason.map { " (\($0))" } ?? ""
      print("disk \(disk.id): \(ByteSize.text(disk.bytes)), SMART \(disk.smart.verdict.rawValue)\(reason)")
    }
    for volume in report.physicalVolumes {
      print(
        "physical volume \(volume.name): \(volume.group), \(ByteSize.text(volume.bytes)), "
          + "\(ByteSize.text(volume.freeBytes)) free")
    }
    for pool in report.pools {
      let metadata = pool.metadataPercent.map { ", metadata \($0) %" } ?? ""
      print("pool \(pool.name): \(ByteSize.text(pool.bytes)), data \(pool.dataPercent) %\(metadata)")
      for forecast in report.forecasts where forecast.pool == pool.name { print("  \(forecast.text)") }
      for status in report.zfs where status.pool == pool.name { print("  scan: \(status.scan)") }
    }
    for fileSystem in report.fileSystems {
      print(
        "file system \(fileSystem.mountPoint): \(fileSystem.type), \(ByteSize.text(fileSystem.bytes)), "
          + "\(Int(fileSystem.usedPercent)) % used")
    }
    print(report.oneFileSystem.text)
    print(
      NodeWorkOutput.table(
        report.volumes.map { [$0.stack, $0.name, $0.class, $0.path, "\($0.fileSystem ?? "-") \($0.source ?? "")"] }))
  }
}

struct StorageApply: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "apply", abstract: "Make the volumes that are missing.")

  @OptionGroup var storage: StorageOptions
  @Flag(help: "Give the volumes' folders the owners that were declared.") var repairOwners = false

  func run() async throws {
    try await NodeWorkOutput.tell {
      let done = try await storage.context().storage.apply(repairsOwners: repairOwners)
      print(storage.json ? try NodeWorkJSON.text(done) : done.joined(separator: "\n"))
    }
  }
}

struct StorageAudit: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "audit", abstract: "Look for files in volumes that belong to others than their containers run as.",
    discussion: """
      Ends with 1 where something is wrong. Some images keep files of several users on purpose: look at the examples \
      before you repair, and name the volume.
      """)

  @OptionGroup var storage: StorageOptions
  @Argument(help: "STACK or STACK/VOLUME; all where there is none.") var target: String?
  @Flag(help: "Give what is wrong to whom it was declared.") var repair = false
  @Flag(help: "Needed for --repair.") var yes = false

  private struct Result: Encodable {
    var findings: [OwnershipAudit.Finding]
    var oneFileSystem: OneFileSystem
  }

  func run() async throws {
    try await NodeWorkOutput.tell {
      let set = try storage.context().set
      let audit = OwnershipAudit(set: set)
      var findings = try audit.audit(target)
      let one = OneFileSystem(set)
      let mayRepair = findings.contains { $0.wrong > 0 && !$0.isShared }
      if !storage.json || (repair && !yes) { show(findings, one) }
      if repair && mayRepair {
        guard yes else {
          NodeWorkOutput.say("bootstead-agent: nothing was changed: say --yes to give these to their owners")
          throw ExitCode(5)
        }
        findings = try audit.audit(target, repairs: true)
        if !storage.json {
          for finding in findings where finding.repaired > 0 {
            print("\(finding.stack)/\(finding.volume): \(finding.repaired) now belong to \(finding.owner)")
          }
        }
      }
      if storage.json { print(try NodeWorkJSON.text(Result(findings: findings, oneFileSystem: one))) }
      if findings.contains(where: { $0.wrong > $0.repaired }) || one.answer == .several { throw ExitCode.failure }
    }
  }

  private func show(_ findings: [OwnershipAudit.Finding], _ one: OneFileSystem) {
    for finding in findings {
      let place = "\(finding.stack)/\(finding.volume)"
      guard finding.wrong > 0 else {
        print("\(place): all \(finding.entries) belong to \(finding.owner)")
        continue
      }
      let shared = finding.isShared ? "; several stacks use it, and it is not changed here" : ""
      print("\(place): \(finding.wrong) of \(finding.entries) do not belong to \(finding.owner)\(shared)")
      for example in finding.examples { print("  \(example)") }
    }
    print(one.text)
  }
}
