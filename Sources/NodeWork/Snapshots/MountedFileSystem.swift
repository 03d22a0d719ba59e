import FoundationEssentials
import ProgramRunner

/// The file system that a path lies on, as `findmnt` says it.
public struct MountedFileSystem: Sendable, Hashable, Codable {
  public var source: String
  public var target: String
  public var fstype: String

  public init(source: String, target: String, fstype: String) {
    self.source = source
    self.target = target
    self.fstype = fstype
  }

  private struct Answer: Decodable { var filesystems: [MountedFileSystem] }

  /// - Parameter path: a file or folder that is there.
  static func holding(_ path: String, runner: any CommandRunner) async throws(NodeWorkError) -> MountedFileSystem {
    let command = Command("findmnt", ["--json", "--output", "SOURCE,TARGET,FSTYPE", "--target", path])
    let output: CommandOutput
    do {
      output = try await runner.run(command)
    } catch {
      throw NodeWorkError(.storage, "\(path) can not be looked up: \(error)", advice: "make or mount it first")
    }
    guard
      let answer = try? JSONDecoder().decode(Answer.self, from: Data(output.standardOutput.utf8)),
      let mounted = answer.filesystems.last
    else { throw NodeWorkError(.storage, "findmnt says about \(path) what can not be read") }
    return mounted
  }

  static func isMountPoint(_ path: String, runner: any CommandRunner) async throws(NodeWorkError) -> Bool {
    var command = Command("findmnt", ["--noheadings", "--output", "TARGET", "--mountpoint", path])
    command.acceptedCodes = [0, 1]
    return try await runner.work(command, .storage).code == 0
  }

  /// Takes down whatever is mounted there.
  static func unmount(_ path: String, runner: any CommandRunner) async throws(NodeWorkError) {
    for _ in 0..<8 {
      guard DurableFile.exists(path), try await isMountPoint(path, runner: runner) else { return }
      try await runner.work(Command("umount", [path]), .storage)
    }
    throw NodeWorkError(.unfinished, "\(path) is mounted again and again")
  }
}
