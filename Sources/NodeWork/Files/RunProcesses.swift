import Glibc

/// The children of a run whose agent was killed: they go on without it, and hold its mounts.
enum RunProcesses {
  /// In the environment of each child of a run.
  static let variable = "BOOTSTEAD_RUN"

  /// Kills them and waits until they are gone.
  static func end(run: String) async throws(NodeWorkError) {
    for _ in 0..<200 {
      let left = processes(of: run)
      if left.isEmpty { return }
      for process in left { kill(process, SIGKILL) }
      try? await Task.sleep(for: .milliseconds(50))
    }
    let left = processes(of: run).map(String.init).joined(separator: ", ")
    if left.isEmpty { return }
    throw NodeWorkError(
      .unfinished, "the processes \(left) of the interrupted run \(run) do not end",
      advice: "a disk or a network mount may hang: see 'dmesg'")
  }

  static func processes(of run: String) -> [pid_t] {
    let entry = Array("\(variable)=\(run)".utf8)
    return DurableFile.children(of: "/proc").compactMap { pid_t($0) }.filter { process in
      guard process != getpid(), let environment = try? DurableFile.bytes(of: "/proc/\(process)/environ") else {
        return false
      }
      return environment.split(separator: 0).contains { $0.elementsEqual(entry) }
    }
  }
}
