import ProgramRunner
import AgentProtocol
import DiskLayout

/// Lays out the disks of a task and mounts the new root.
public protocol DiskPreparation: Sendable {
  func prepare(
    _ plan: LayoutPlan, report: @escaping @Sendable (DiskProgress) async -> Void
  ) async throws -> MountedLayout

  /// Writes everything out and lets go of the disks.
  func release(_ plan: LayoutPlan) async throws
}

/// Brings the system of a task onto the mounted root.
public protocol SystemCopy: Sendable {
  /// - Parameter report: gets the finished part, 0 to 1, and a text.
  func copy(
    _ task: InstallTask, target: String, report: @escaping @Sendable (Double, String) -> Void
  ) async throws
}

/// Builds the system of a task on the machine itself.
public protocol SystemBuild: Sendable {
  /// Gets the flake; nothing on a disk changes.
  func fetch(_ flake: InstallFlake) async throws -> FetchedFlake

  /// Builds the system into the mounted root and installs it, its boot loader included. Safe to run again.
  /// - Parameter line: gets each line that the build prints.
  /// - Returns: the system's store path.
  func install(
    _ flake: FetchedFlake, of task: InstallTask, target: String, line: @escaping @Sendable (String) -> Void
  ) async throws -> String
}

/// The real disks, by ``DiskExecutor``.
public struct ExecutedDisks: DiskPreparation {
  private let runner: any CommandRunner
  private let target: String

  public init(runner: any CommandRunner = SubprocessRunner(), target: String = "/mnt") {
    self.runner = runner
    self.target = target
  }

  public func prepare(
    _ plan: LayoutPlan, report: @escaping @Sendable (DiskProgress) async -> Void
  ) async throws -> MountedLayout {
    try await DiskExecutor(plan: plan, runner: runner, target: target).run(report: report)
  }

  public func release(_ plan: LayoutPlan) async throws {
    try await DiskExecutor(plan: plan, runner: runner, target: target).unmount()
  }
}
