import ProgramRunner

/// What a run, a restore and a test of one need of the place where a stack's archives lie.
///
/// All errors say what was wrong in the kinds of ``NodeWorkError``, whichever program works in the repository.
public protocol BackupRepository: Sendable {
  /// Where it is, without a password.
  var url: String { get }
  /// What to do where archives are damaged.
  static var damageAdvice: String { get }

  /// The same one, whose programs run by another runner.
  func run(by runner: any CommandRunner) -> Self

  /// Makes it where it is not there.
  /// - Returns: whether it was made.
  func initialise() async throws(NodeWorkError) -> Bool

  /// Whether it can be reached and opened; changes nothing.
  func probe() async throws(NodeWorkError)

  /// Frees what a killed run left locked, and nothing that somebody works with.
  func breakLock() async throws(NodeWorkError)

  /// - Parameter verifyData: all data is read, too.
  func check(verifyData: Bool) async throws(NodeWorkError)

  /// - Parameters:
  ///   - archive: begins with the stack's name and a hyphen.
  ///   - paths: in the folder `source`, in the archive by the same names.
  ///   - exclude: patterns of paths below `source`.
  func create(
    _ archive: String, of paths: [String], in source: String, exclude: [String]
  ) async throws(NodeWorkError) -> CreatedArchive

  /// The newest last.
  func archives() async throws(NodeWorkError) -> [BackupArchive]

  /// How much its files take when they are laid down, bytes; nil where the program does not say.
  func bytes(of archive: String) async throws(NodeWorkError) -> UInt64?

  /// Lays an archive, or parts of it, down in a folder.
  /// - Parameter paths: in the archive; all where there are none. One that is not in it is an error.
  func extract(_ archive: String, paths: [String], to folder: String) async throws(NodeWorkError)

  /// Removes the archives that a retention does not keep. One that keeps nothing removes nothing.
  /// - Parameter freesSpace: also the space that they took, where that is work of its own.
  /// - Returns: what to tell the operator, such as that the target lets nothing be removed.
  func prune(_ retention: Retention, stack: String, freesSpace: Bool) async throws(NodeWorkError) -> [String]
}

extension BackupRepository {
  /// - Parameter name: `latest`, or an archive's name.
  public func archive(_ name: String) async throws(NodeWorkError) -> BackupArchive {
    let all = try await archives()
    if let found = name == "latest" ? all.last : all.first(where: { $0.name == name }) { return found }
    throw NodeWorkError(
      .archiveMissing, all.isEmpty ? "\(url) holds no archive" : "\(url) holds no archive “\(name)”",
      advice: all.isEmpty ? "run a backup" : "the latest is \(all.last?.name ?? "")")
  }

  public func check() async throws(NodeWorkError) { try await check(verifyData: false) }

  /// Lays a whole archive down in a folder.
  public func extract(_ archive: String, to folder: String) async throws(NodeWorkError) {
    try await extract(archive, paths: [], to: folder)
  }
}

/// An archive of a repository.
public struct BackupArchive: Sendable, Hashable, Codable {
  public var name: String
  /// As the program writes it: Borg in the machine's time zone, Restic with its offset.
  public var start: String
}

/// What one run added.
public struct CreatedArchive: Sendable, Hashable, Codable {
  public var archive: String
  public var originalBytes: UInt64
  public var addedBytes: UInt64
  public var files: Int
  /// What could not be read or changed meanwhile, which is no failure of the whole.
  public var warnings: [String]
}
