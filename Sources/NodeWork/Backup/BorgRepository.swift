import FoundationEssentials
import ProgramRunner

/// One Borg repository.
public struct BorgRepository: BackupRepository {
  /// How long Borg waits for another Borg that works in the repository.
  static let lockWaitSeconds = 600

  public let url: String
  let passphraseFile: String
  /// The remote shell with its arguments, as Borg splits it; Borg's own where there is none.
  let remoteShell: String?
  /// Where Borg keeps keys, caches and what it knows of repositories.
  let folder: String
  let encryption: String
  let compression: String
  let runner: any CommandRunner

  public init(
    url: String, passphraseFile: String, remoteShell: String? = nil, folder: String,
    encryption: String = "repokey-blake2", compression: String = "zstd,3", runner: any CommandRunner
  ) {
    self.url = url
    self.passphraseFile = passphraseFile
    self.remoteShell = remoteShell
    self.folder = folder
    self.encryption = encryption
    self.compression = compression
    self.runner = runner
  }

  public func run(by runner: any CommandRunner) -> BorgRepository {
    BorgRepository(
      url: url, passphraseFile: passphraseFile, remoteShell: remoteShell, folder: folder, encryption: encryption,
      compression: compression, runner: runner)
  }

  // MARK: Life of a repository

  public func initialise() async throws(NodeWorkError) -> Bool {
    try DurableFile.makeFolder(folder)
    do {
      try await run(["init", "--encryption", encryption, "--make-parent-dirs", url])
      return true
    } catch  where error.kind == .refusedExisting {
      // It is only the right one where the passphrase fits.
      try await probe()
      return false
    }
  }

  public func probe() async throws(NodeWorkError) { try await run(["info", "--json", url]) }

  /// Ends locks of a Borg that was killed. Only this machine writes to the repository, one run at a time.
  public func breakLock() async throws(NodeWorkError) { try await run(["break-lock", url]) }

  public func exportKey(to path: String) async throws(NodeWorkError) { try await run(["key", "export", url, path]) }

  public func check(verifyData: Bool) async throws(NodeWorkError) {
    var command = command(["check"] + (verifyData ? ["--verify-data"] : []) + [url])
    command.timeout = .seconds(48 * 3600)
    let output = try await call(command)
    // For a check a warning is what it found.
    guard output.code == 0 else {
      throw BorgMessages(output).error(
        url, fallback: .damaged, advice: Self.damageAdvice, problem: "Borg found damage in \(url)")
    }
  }

  public static let damageAdvice =
    "keep the repository as it is, restore what can be read, and look after the disk that it is on; "
    + "'borg check --repair' may lose archives"

  // MARK: Archives

  public func create(
    _ archive: String, of paths: [String], in source: String, exclude: [String]
  ) async throws(NodeWorkError) -> CreatedArchive {
    var arguments = ["create", "--json", "--numeric-ids", "--compression", compression]
    for pattern in exclude { arguments += ["--exclude", pattern] }
    var command = command(arguments + [url + "::" + archive] + paths)
    command.workingDirectory = source
    command.timeout = .seconds(48 * 3600)
    let output = try await call(command)
    let messages = BorgMessages(output)
    guard output.code < 2 else { throw messages.error(url) }
    struct Answer: Decodable {
      struct Archive: Decodable { var stats: Stats }
      struct Stats: Decodable {
        var original_size: UInt64
        var deduplicated_size: UInt64
        var nfiles: Int
      }
      var archive: Archive
    }
    guard let stats = try? JSONDecoder().decode(Answer.self, from: Data(output.standardOutput.utf8)).archive.stats
    else { throw messages.error(url, problem: "Borg made \(archive), but what it says about it can not be read") }
    return CreatedArchive(
      archive: archive, originalBytes: stats.original_size, addedBytes: stats.deduplicated_size, files: stats.nfiles,
      warnings: output.code == 0 ? [] : messages.problems)
  }

  public func archives() async throws(NodeWorkError) -> [BackupArchive] {
    struct Answer: Decodable { var archives: [BackupArchive] }
    let output = try await run(["list", "--json", url])
    guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(output.standardOutput.utf8)) else {
      throw NodeWorkError(.command, "\(url): the list of archives can not be read")
    }
    return answer.archives
  }

  public func bytes(of archive: String) async throws(NodeWorkError) -> UInt64? {
    struct Answer: Decodable {
      struct Archive: Decodable { var stats: Stats }
      struct Stats: Decodable { var original_size: UInt64 }
      var archives: [Archive]
    }
    let output = try await run(["info", "--json", url + "::" + archive])
    let answer = try? JSONDecoder().decode(Answer.self, from: Data(output.standardOutput.utf8))
    return answer?.archives.first?.stats.original_size
  }

  public func extract(_ archive: String, paths: [String], to folder: String) async throws(NodeWorkError) {
    var command = command(["extract", "--numeric-ids", url + "::" + archive] + paths)
    command.workingDirectory = folder
    command.timeout = .seconds(48 * 3600)
    let output = try await call(command)
    // A warning here is a file that is missing afterwards.
    guard output.code == 0 else {
      throw BorgMessages(output).error(url, problem: "\(archive) did not come back whole")
    }
  }

  public func prune(
    _ retention: Retention, stack: String, freesSpace: Bool
  ) async throws(NodeWorkError) -> [String] {
    let rules = retention.arguments
    guard !rules.isEmpty else { return [] }
    try await run(["prune"] + rules + ["--glob-archives", stack + "-2*", url])
    // Without it, nothing is smaller. An append-only target does nothing then, and says nothing: of what is compacted,
    // Borg tells how much came free, be it nothing (Repository.compact_segments of Borg 1.2).
    let output = try await run(["compact", "--verbose", url])
    guard !output.standardError.contains("compaction freed") else { return [] }
    return [
      "\(url) freed no space: it lets this machine only append. Old archives are gone from its list, and their data stays; "
        + "look at 'borg list' and run 'borg compact' where the repository lies"
    ]
  }

  // MARK: Calls

  @discardableResult
  private func run(_ arguments: [String]) async throws(NodeWorkError) -> CommandOutput {
    let output = try await call(command(arguments))
    guard output.code < 2 else { throw BorgMessages(output).error(url) }
    return output
  }

  private func command(_ arguments: [String]) -> Command {
    var command = Command(
      "borg", ["--log-json", "--lock-wait", "\(Self.lockWaitSeconds)"] + arguments, timeout: .seconds(12 * 3600))
    command.acceptedCodes = Set(0...125)
    command.environment = [
      // The passphrase itself is in no environment and on no command line: whoever may read the file has it.
      "BORG_PASSCOMMAND": "cat '\(passphraseFile)'",
      "BORG_BASE_DIR": folder,
      // Questions are answered with no, instead of waiting for somebody.
      "BORG_RELOCATED_REPO_ACCESS_IS_OK": "no",
      "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "no",
    ]
    if let remoteShell { command.environment["BORG_RSH"] = remoteShell }
    return command
  }

  private func call(_ command: Command) async throws(NodeWorkError) -> CommandOutput {
    guard DurableFile.exists(passphraseFile) else {
      throw NodeWorkError(
        .configuration, "the passphrase of \(url) is not in \(passphraseFile)",
        advice: "run 'bootstead-agent secrets apply', or give the secret to the appliance")
    }
    return try await runner.work(command)
  }
}
