import Subprocess
import SystemPackage

/// The Nix database of the target.
public enum TargetDatabase {
  /// Runs the target's own `nix-store --load-db` by `chroot`.
  public static func load(
    targetRoot: String, command: String, registration: String
  ) async throws(ClosureError) {
    do {
      let input = try FileDescriptor.open(FilePath(registration), .readOnly)
      let result = try await Subprocess.run(
        .name("chroot"),
        // There are no build users yet when the system has never been activated.
        arguments: [targetRoot, command, "--option", "build-users-group", "", "--load-db"],
        environment: .custom([
          "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/run/current-system/sw/bin",
          "HOME": "/root",
          // A system that has never been activated has no /etc/passwd to look the name up in.
          "USER": "root",
        ]),
        input: .fileDescriptor(input, closeAfterSpawningProcess: true),
        output: .discarded, error: .string(limit: 64 * 1024))
      guard result.terminationStatus.isSuccess else {
        throw ClosureError.database(reason: "\(result.terminationStatus): \(result.standardError)")
      }
    } catch let error as ClosureError {
      throw error
    } catch {
      throw .database(reason: "chroot could not be run: \(error)")
    }
  }
}
