import ProgramRunner

/// Why work on this node was not done: what was wrong, where, and what to do.
public struct NodeWorkError: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Kind: String, Sendable, Hashable, Codable {
    case command, configuration, file, locked, unknownStack, unknownPlan, services, dump, verification
    case poolFull, noSnapshots, storage
    case wrongPassphrase, repositoryUnreachable, repositoryMissing, repositoryLocked, repositoryChanged
    case archiveMissing, damaged
    /// Of several archives only the owner knows which is meant.
    case ambiguous
    /// There is a repository already.
    case refusedExisting
    /// More would be deleted at a mirror's target than its plan allows.
    case refusedDeletions
    case unfinished
  }

  public var kind: Kind
  public var problem: String
  /// What to do.
  public var advice: String?

  public init(_ kind: Kind, _ problem: String, advice: String? = nil) {
    self.kind = kind
    self.problem = problem
    self.advice = advice
  }

  init(_ failure: CommandFailure) { self.init(.command, "\(failure)") }

  public var description: String { advice.map { "\(problem); \($0)" } ?? problem }
}

extension CommandRunner {
  /// Runs a command; a failure is one of this node's work.
  @discardableResult
  func work(_ command: Command, _ kind: NodeWorkError.Kind = .command) async throws(NodeWorkError) -> CommandOutput {
    do {
      return try await run(command)
    } catch {
      throw NodeWorkError(kind, "\(error)")
    }
  }
}
