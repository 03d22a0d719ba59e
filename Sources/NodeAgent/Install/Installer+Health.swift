import AgentProtocol
import DiskLayout

extension Installer {
  /// Carries out an ``ExamineTask`` and reports, while the appliance hears that this agent lives.
  func examine(_ task: ExamineTask, _ inventory: MachineInventory) async throws {
    let checks = task.checks.map(\.rawValue).sorted().joined(separator: " and ")
    log.say("examining the disks: \(checks); nothing is written")
    let report = await withTaskGroup(of: Void.self) { group in
      group.addTask { await feed.run(by: link, interval: .seconds(2)) }
      defer { group.cancelAll() }
      return await examiner.examine(task, disks: inventory.disks.disks) { disk in
        feed.note(.inventory, "examining \(disk.id): \(checks)")
      }
    }
    for disk in report.disks {
      if let smart = disk.smart {
        log.say("\(disk.disk): SMART \(smart.verdict.rawValue)\(smart.reason.map { ", \($0)" } ?? "")")
      }
      if let read = disk.read {
        let faults = read.faults.map { "\($0.error) at byte \($0.offset)" }.joined(separator: ", ")
        log.say(
          "\(disk.disk): \(read.refusal ?? "\(read.bytesRead >> 20) MiB read, \(faults.isEmpty ? "no fault" : faults)")"
        )
      }
    }
    feed.note(.waiting, "examined \(report.disks.count) disks")
    do {
      try await deliver(AgentPath.examined, report)
    } catch let error as LinkError {
      // The appliance may want it no more; it says so by its next task.
      log.say("\(error)")
      try await pause(.seconds(5))
    }
  }
}
