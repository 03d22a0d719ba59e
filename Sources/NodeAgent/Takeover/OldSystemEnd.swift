import CKexec
import Glibc
import NodeFiles
import ProgramRunner

/// Ends the running system and starts the kernel that is loaded.
struct OldSystemEnd: Sendable {
  let log: AgentLog
  let runner: any CommandRunner

  /// Does not return where it works.
  func execute() async throws {
    // The session that started this ends with the system; it must not take this process along before.
    signal(SIGHUP, SIG_IGN)
    signal(SIGPIPE, SIG_IGN)
    if FileSystemEntry("/run/systemd/system").exists {
      log.say("systemd stops the services and unmounts, then the installer starts")
      signal(SIGTERM, SIG_IGN)
      try await runner.run(Command("systemctl", ["kexec"]))
      try await Task.sleep(for: .seconds(300))
      throw OldSystemError.stillRuns
    }
    log.say("ending all programs")
    signal(SIGTERM, SIG_IGN)
    kill(-1, SIGTERM)
    try await Task.sleep(for: .seconds(3))
    kill(-1, SIGKILL)
    sync()
    // Remounts everything read-only, so that the old system's file systems are clean if it comes back.
    if let trigger = fopen("/proc/sysrq-trigger", "w") {
      fputs("u", trigger)
      fclose(trigger)
      try await Task.sleep(for: .seconds(1))
    }
    throw OldSystemError.notExecuted(String(cString: strerror(ckexec_execute())))
  }
}

enum OldSystemError: Error, Sendable, CustomStringConvertible {
  case stillRuns
  case notExecuted(String)

  var description: String {
    switch self {
    case .stillRuns: "systemd has not ended the system within 5 minutes: look at 'systemctl list-jobs' there"
    case .notExecuted(let reason): "the loaded kernel was not started: \(reason)"
    }
  }
}
