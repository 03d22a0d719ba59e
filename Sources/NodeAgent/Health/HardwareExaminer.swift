public import AgentProtocol
public import DiskLayout

/// Looks at the disks of a machine for an ``ExamineTask``. Nothing is written.
public struct HardwareExaminer: Sendable {
  private let smart: SmartReader
  private let readTest: DiskReadTest

  public init(smart: SmartReader = SmartReader(), readTest: DiskReadTest = DiskReadTest()) {
    (self.smart, self.readTest) = (smart, readTest)
  }

  /// - Parameter report: told of each disk before it is looked at.
  public func examine(
    _ task: ExamineTask, disks: [Disk], report: (Disk) async -> Void = { _ in }
  ) async -> ExaminedReport {
    var examined: [DiskExamination] = []
    for disk in disks.filter(\.isExamined).prefix(ExaminedReport.limit) {
      await report(disk)
      var result = DiskExamination(disk: disk.id, serial: disk.serial)
      if task.checks.contains(.smart) { result.smart = await smart.health(ofDevice: disk.node) }
      if task.checks.contains(.readTest) { result.read = await readTest.run(path: disk.node, size: disk.size) }
      examined.append(result)
    }
    return ExaminedReport(task: task.identifier, disks: examined)
  }
}
