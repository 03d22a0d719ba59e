import AgentProtocol
import Glibc
import NodeFiles

/// Marks for the installer's watchdog (`init`): when the appliance answered last, and whether anything was written.
public struct ApplianceContact: Sendable {
  public static let reachedPath = "/run/bootstead/reached"
  public static let writingPath = "/run/bootstead/writing"
  let reachedPath: String
  let writingPath: String

  public init(reachedPath: String = Self.reachedPath, writingPath: String = Self.writingPath) {
    (self.reachedPath, self.writingPath) = (reachedPath, writingPath)
  }

  /// The appliance answered with this task. From a task that writes on, the machine never goes back to its old system.
  /// - Throws: ``FileError`` where that can not be marked: nothing may be written then.
  public func note(_ task: AgentTask) throws {
    switch task {
    case .install, .wipe: try touch(writingPath)
    case .wait, .examine, .inventoryOnly, .reboot, .refuse: break
    }
    try touch(reachedPath)
  }

  private func touch(_ path: String) throws {
    if let slash = path.lastIndex(of: "/") { try WholeFile.makeFolder(String(path[..<slash]), mode: 0o755) }
    let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw FileError("mark", path, error: errno) }
    defer { close(descriptor) }
    guard futimens(descriptor, nil) == 0 else { throw FileError("mark", path, error: errno) }
  }
}
