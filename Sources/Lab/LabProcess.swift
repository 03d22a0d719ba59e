import Glibc
import Subprocess
import Synchronization
import SystemPackage

/// A program that runs until the lab stops it; what it prints goes to a file.
public final class LabProcess: Sendable {
  public let program: String
  public let processIdentifier: Int32
  /// Where its standard output and standard error go.
  public let logPath: String
  private let ending: Task<String, any Error>
  private let state: Ended

  private final class Ended: Sendable {
    let status = Mutex<String?>(nil)
  }

  private init(
    program: String, processIdentifier: Int32, logPath: String, ending: Task<String, any Error>, state: Ended
  ) {
    self.program = program
    self.processIdentifier = processIdentifier
    self.logPath = logPath
    self.ending = ending
    self.state = state
  }

  /// Starts `program`; returns once it runs.
  public static func start(_ program: String, _ arguments: [String], logPath: String) async throws -> LabProcess {
    let log = try FileDescriptor.open(
      FilePath(logPath), .writeOnly, options: [.create, .append, .closeOnExec], permissions: [.ownerReadWrite])
    let (started, announce) = AsyncThrowingStream<Int32, any Error>.makeStream()
    let state = Ended()
    let ending = Task {
      do {
        let result = try await Subprocess.run(
          LabTool.executable(program), arguments: Arguments(arguments), input: .none,
          output: .fileDescriptor(log, closeAfterSpawningProcess: true), error: .combinedWithOutput
        ) { execution in
          announce.yield(execution.processIdentifier.value)
          announce.finish()
        }
        let status = "\(result.terminationStatus)"
        state.status.withLock { $0 = status }
        return status
      } catch {
        state.status.withLock { $0 = "\(error)" }
        announce.finish(throwing: error)
        throw error
      }
    }
    for try await identifier in started {
      return LabProcess(program: program, processIdentifier: identifier, logPath: logPath, ending: ending, state: state)
    }
    throw LabError.ended(program: program, status: "it did not start", log: "")
  }

  /// How it ended, or nil while it runs.
  public var ended: String? { state.status.withLock { $0 } }

  /// Throws where it has ended.
  public func mustRun() throws {
    if let ended { throw LabError.ended(program: program, status: ended, log: SerialConsole.tail(of: logPath)) }
  }

  /// Ends it: by `SIGTERM`, and by `SIGKILL` where that does not help in time. Returns once it is gone.
  public func stop(signal number: Int32 = SIGTERM, patience limit: Duration = .seconds(5)) async {
    send(number)
    let patience = Task {
      try await Task.sleep(for: limit)
      self.send(SIGKILL)
    }
    _ = await ending.result
    patience.cancel()
  }

  /// Nothing is sent once the process is known to be gone: its number may belong to another one by then.
  private func send(_ number: Int32) {
    state.status.withLock { status in
      if status == nil { _ = kill(processIdentifier, number) }
    }
  }
}
