/// A folder of the machine, laid out to be read: from snapshots, or as it is.
struct ReadyFolder: Sendable, Hashable {
  /// Where it is on the machine.
  var path: String
  /// A folder in which it lies by its whole path.
  var root: String

  /// Where it is to be read.
  var place: String { root + path }
}

/// Dumps of a stack, as `ROOT/bootstead-dumps/STACK/…`.
struct ReadyDumps: Sendable, Hashable {
  static let folder = "bootstead-dumps"

  var stack: String
  var root: String
}

/// What a copier made.
struct FolderCopies: Sendable {
  struct Copy: Sendable, Hashable {
    /// How it is found again.
    var archive: String
    var bytes: UInt64?
    var addedBytes: UInt64?
    var files: Int?
    var notes: [String] = []
  }

  /// By path; what is missing here was not copied.
  var copies: [String: Copy] = [:]
  /// By path.
  var failures: [String: NodeWorkError] = [:]
  /// By stack.
  var dumpFailures: [String: NodeWorkError] = [:]
  /// What failed after all was copied.
  var later: NodeWorkError?
}

/// Copies folders that a ``FolderRun`` has laid out.
protocol FolderCopier: Sendable {
  /// Where to, without a secret.
  var target: String { get }

  /// Looks whether the target can be worked with, before anything is dumped or laid out.
  /// - Parameter missing: file systems that should be mounted and are not.
  func probe(paths: [String], missing: [MountAudit.Missing]) async throws(NodeWorkError)

  /// A folder that fails leaves the others alone.
  func copy(_ folders: [ReadyFolder], dumps: [ReadyDumps]) async -> FolderCopies
}
