import AgentProtocol
import DiskLayout
import HTTPConnection
import NixFormats
import Synchronization

/// The real copy, by ``ClosureInstaller`` from the appliance's cache.
public struct CopiedClosure: SystemCopy {
  private let client: HTTPClient
  private let say: @Sendable (String) -> Void

  /// - Parameter say: told why the copy stands still.
  public init(client: HTTPClient, say: @escaping @Sendable (String) -> Void = { _ in }) {
    self.client = client
    self.say = say
  }

  /// A task whose closure or keys can not be read.
  public struct MalformedTask: Error, CustomStringConvertible {
    public var description: String
  }

  public func copy(
    _ task: InstallTask, target: String, report: @escaping @Sendable (Double, String) -> Void
  ) async throws {
    let root: StorePath
    var keys: [NixPublicKey] = []
    guard let system = task.closure else { throw MalformedTask(description: "the task names no system") }
    do {
      root = try StorePath(absolute: system)
      for key in task.cachePublicKeys { keys.append(try NixPublicKey(key)) }
    } catch {
      throw MalformedTask(description: "the task's closure or cache key: \(error)")
    }
    guard !keys.isEmpty else { throw MalformedTask(description: "the task names no key of the cache") }
    let installer = try ClosureInstaller(
      source: HTTPCacheSource(client: client, path: task.cachePath), trustedKeys: keys, targetRoot: target,
      limits: ClosureLimits(noteTrouble: noteTrouble()))
    let closure = try await installer.installStore(root: root) { progress in
      let fraction = progress.bytesTotal > 0 ? Double(progress.bytesDone) / Double(progress.bytesTotal) : 1
      report(
        fraction,
        "\(progress.pathsDone) of \(progress.pathsTotal) paths (\(progress.pathsRecorded) safe from a power cut), "
          + "\(ByteSize.text(progress.bytesDone)) of \(ByteSize.text(progress.bytesTotal))"
      )
    }
    let outcome = try await installer.register(closure)
    report(1, "\(outcome)")
  }

  /// All downloads run into the same trouble at the same time: one line for all, and not too often.
  private func noteTrouble() -> @Sendable (StorePath, String) -> Void {
    let lastSaid = LastSaid()
    return { [say] _, reason in
      guard lastSaid.isDue(every: .seconds(15)) else { return }
      say("copying: \(reason); trying again, what has come is kept")
    }
  }
}

final class LastSaid: Sendable {
  private let time = Mutex<ContinuousClock.Instant?>(nil)

  func isDue(every interval: Duration) -> Bool {
    let now = ContinuousClock.now
    return time.withLock { time in
      if let last = time, now - last < interval { return false }
      time = now
      return true
    }
  }
}
