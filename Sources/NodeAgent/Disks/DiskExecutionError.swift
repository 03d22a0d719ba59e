import ProgramRunner
import DiskLayout

/// Why the disks were not set up. Where a step fails, those before it stay done, and a further run goes on there.
public enum DiskExecutionError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The plan's disk is not the one that is there now; nothing was written.
  case notThePlannedDisk(disk: String, problem: String)
  case command(step: String, CommandFailure)
  /// A step came to its end without the effect that it should have.
  case withoutEffect(step: String, problem: String)
  /// Something was found that the plan does not cover.
  case unexpected(step: String, problem: String)

  public var description: String {
    switch self {
    case .notThePlannedDisk(let disk, let problem):
      "The disk \(disk) is not as it was when it was planned: \(problem). Nothing was written. Have the machine planned again."
    case .command(let step, let failure): "\(step): \(failure)"
    case .withoutEffect(let step, let problem): "\(step): the commands ended well, but \(problem)"
    case .unexpected(let step, let problem): "\(step): \(problem)"
    }
  }
}
