import FoundationEssentials
import ProgramRunner

/// One Restic repository with the archives of one stack. An archive's name is a tag of its snapshot.
public struct ResticRepository: BackupRepository {
  public let url: String
  let stack: String
  /// Restic's name for where a snapshot is from.
  let machine: String
  let passphraseFile: String
  /// Files with secrets, by environment variable.
  let environmentFiles: [String: String]
  /// Where Restic keeps its caches.
  let folder: String
  /// KiB in a second.
  let uploadLimit: Int?
  /// How long another Restic that works in the repository is waited for.
  let lockWait: Duration
  let runner: any CommandRunner

  public init(
    url: String, stack: String, machine: String, passphraseFile: String, environmentFiles: [String: String] = [:],
    folder: String, uploadLimit: Int? = nil, lockWait: Duration = .seconds(600), runner: any CommandRunner
  ) {
    self.url = url
    self.stack = stack
    self.machine = machine
    self.passphraseFile = passphraseFile
    self.environmentFiles = environmentFiles
    self.folder = folder
    self.uploadLimit = uploadLimit
    self.lockWait = lockWait
    self.runner = runner
  }

  public func run(by runner: any CommandRunner) -> ResticRepository {
    ResticRepository(
      url: url, stack: stack, machine: machine, passphraseFile: passphraseFile, environmentFiles: environmentFiles,
      folder: folder, uploadLimit: uploadLimit, lockWait: lockWait, runner: runner)
  }

  /// Where the repository of a stack lies. A bucket of B2 parts its folders from its name by a colon.
  public static func url(_ url: String, below stack: String) -> String {
    if url.hasSuffix("/") { return url + stack }
    return url.hasPrefix("b2:") && !url.dropFirst(3).contains(":") ? "\(url):\(stack)" : "\(url)/\(stack)"
  }

  // MARK: Life of a repository

  public func initialise() async throws(NodeWorkError) -> Bool {
    do {
      try await run(["init", "--quiet"])
      return true
    } catch  where error.kind == .refusedExisting {
      // It is only the right one where the passphrase fits.
      try await probe()
      return false
    }
  }

  public func probe() async throws(NodeWorkError) {
    // Restic itself asks a target that is away for a quarter of an hour.
    try await run(["cat", "config", "--quiet"], timeout: .seconds(180))
  }

  /// Restic takes away the locks of processes that are gone, and those that nobody renewed for half an hour. Others stay:
  /// the target's own machine may be at work.
  public func breakLock() async throws(NodeWorkError) { try await run(["unlock", "--quiet"]) }

  public func check(verifyData: Bool) async throws(NodeWorkError) {
    let output = try await call(
      command(["check", "--quiet"] + (verifyData ? ["--read-data"] : []), timeout: .seconds(48 * 3600)))
    guard output.code == 0 else {
      throw ResticMessages(output).error(url, fallback: .damaged, problem: "Restic found damage in \(url)")
    }
  }

  public static let damageAdvice =
    "keep the repository as it is, restore what can be read, and look after the disk that it is on; "
    + "Restic's manual has a chapter on repairs"

  // MARK: Archives

  public func create(
    _ archive: String, of paths: [String], in source: String, exclude: [String]
  ) async throws(NodeWorkError) -> CreatedArchive {
    var arguments = ["backup", "--json", "--quiet", "--host", machine, "--tag", stack, "--tag", archive]
    if let uploadLimit { arguments += ["--limit-upload", "\(uploadLimit)"] }
    // Without a beginning, a pattern would fit at any depth.
    for pattern in exclude { arguments += ["--exclude", "\(Self.escaped(source))/\(pattern)"] }
    var command = command(arguments + ["--"] + paths, timeout: .seconds(48 * 3600))
    command.workingDirectory = source
    let output = try await call(command)
    let messages = ResticMessages(output)
    // 3: it is made, and some files could not be read.
    guard [0, 3].contains(output.code) else { throw messages.error(url) }
    struct Summary: Decodable {
      var message_type: String
      var total_bytes_processed: UInt64
      var data_added: UInt64
      var total_files_processed: Int
    }
    let lines = output.standardOutput.split(whereSeparator: \.isNewline)
    let answers = lines.compactMap { try? JSONDecoder().decode(Summary.self, from: Data($0.utf8)) }
    guard let summary = answers.last(where: { $0.message_type == "summary" }) else {
      throw messages.error(url, problem: "Restic made \(archive), but what it says about it can not be read")
    }
    var warnings = messages.problems
    if output.code == 3 && warnings.isEmpty { warnings = ["some files could not be read"] }
    return CreatedArchive(
      archive: archive, originalBytes: summary.total_bytes_processed, addedBytes: summary.data_added,
      files: summary.total_files_processed, warnings: output.code == 0 ? [] : warnings)
  }

  private struct Snapshot: Decodable {
    var id: String
    var time: String
    var tags: [String]?
  }

  /// By their names, the newest last.
  private func snapshots() async throws(NodeWorkError) -> [(name: String, snapshot: Snapshot)] {
    let output = try await run(["snapshots", "--json", "--quiet", "--tag", stack])
    guard let found = try? JSONDecoder().decode([Snapshot]?.self, from: Data(output.standardOutput.utf8)) ?? [] else {
      throw NodeWorkError(.command, "\(url): the list of snapshots can not be read")
    }
    // One that was made by hand has no name but Restic's.
    return found.map { snapshot in
      (snapshot.tags?.first { $0.hasPrefix(stack + "-2") } ?? String(snapshot.id.prefix(8)), snapshot)
    }
  }

  public func archives() async throws(NodeWorkError) -> [BackupArchive] {
    try await snapshots().map { BackupArchive(name: $0.name, start: $0.snapshot.time) }
  }

  private func snapshot(_ archive: String) async throws(NodeWorkError) -> Snapshot {
    guard let found = try await snapshots().last(where: { $0.name == archive }) else {
      throw NodeWorkError(.archiveMissing, "\(url) holds no archive “\(archive)”")
    }
    return found.snapshot
  }

  public func bytes(of archive: String) async throws(NodeWorkError) -> UInt64? {
    struct Answer: Decodable { var total_size: UInt64 }
    let output = try await run(["stats", "--json", "--quiet", "--mode", "restore-size", snapshot(archive).id])
    return (try? JSONDecoder().decode(Answer.self, from: Data(output.standardOutput.utf8)))?.total_size
  }

  public func extract(_ archive: String, paths: [String], to folder: String) async throws(NodeWorkError) {
    var arguments = ["restore", try await snapshot(archive).id, "--quiet", "--target", folder]
    for path in paths { arguments += ["--include", "/" + Self.escaped(path)] }
    let output = try await call(command(arguments, timeout: .seconds(48 * 3600)))
    guard output.code == 0 else {
      throw ResticMessages(output).error(url, problem: "\(archive) did not come back whole")
    }
    // Restic does not mind a path that is not there.
    for path in paths where !DurableFile.exists(folder + "/" + path) {
      throw NodeWorkError(.archiveMissing, "\(archive) holds no \(path)")
    }
  }

  /// For the pattern that fits a path alone.
  private static func escaped(_ path: String) -> String {
    path.map { "\\*?[".contains($0) ? "\\\($0)" : "\($0)" }.joined()
  }

  public func prune(
    _ retention: Retention, stack: String, freesSpace: Bool
  ) async throws(NodeWorkError) -> [String] {
    let rules = retention.arguments
    guard !rules.isEmpty else { return [] }
    if try await refusesRemoval() {
      return ["\(url) lets this machine only add: old archives are removed where the repository lies"]
    }
    var arguments = ["forget", "--quiet", "--tag", stack, "--group-by", ""] + rules
    if freesSpace { arguments.append("--prune") }
    try await run(arguments)
    return []
  }

  /// Whether a REST server lets nothing be removed. Restic would ask it for each archive, ten times.
  private func refusesRemoval() async throws(NodeWorkError) -> Bool {
    guard url.hasPrefix("rest:") else { return false }
    let secrets = try environment()
    func quoted(_ text: String) -> String {
      "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
    // No snapshot has this name: a server that would remove one says that there is none.
    let nothing = String(repeating: "0", count: 64)
    let address = url.dropFirst(5) + (url.hasSuffix("/") ? "" : "/") + "snapshots/" + nothing
    var settings = ["url = \(quoted(String(address)))"]
    if let user = secrets["RESTIC_REST_USERNAME"], let password = secrets["RESTIC_REST_PASSWORD"] {
      settings.append("user = \(quoted(user + ":" + password))")
    }
    if let authority = secrets["RESTIC_CACERT"] { settings.append("cacert = \(quoted(authority))") }
    var command = Command(
      "curl",
      [
        "--silent", "--show-error", "--request", "DELETE", "--max-time", "60", "--output", "/dev/null", "--write-out",
        "%{http_code}", "--config", "-",
      ], timeout: .seconds(120))
    command.input = settings.joined(separator: "\n") + "\n"
    let code = try await runner.work(command, .repositoryUnreachable).standardOutput
    return ["403", "405"].contains(code.filter { !$0.isWhitespace })
  }

  // MARK: Calls

  private func environment() throws(NodeWorkError) -> [String: String] {
    // The passphrase itself is in no environment and on no command line: whoever may read the file has it.
    var environment = ["RESTIC_PASSWORD_FILE": passphraseFile, "RESTIC_CACHE_DIR": folder]
    for (name, file) in environmentFiles {
      guard let bytes = try DurableFile.bytes(of: file) else { throw Self.missing("the secret for \(name)", url, file) }
      // A file's last line ends; a secret does not.
      environment[name] = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline).joined()
    }
    return environment
  }

  private static func missing(_ what: String, _ url: String, _ file: String) -> NodeWorkError {
    NodeWorkError(
      .configuration, "\(what) of \(url) is not in \(file)",
      advice: "run 'bootstead-agent secrets apply', or give the secret to the appliance")
  }

  private func command(_ arguments: [String], timeout: Duration = .seconds(12 * 3600)) -> Command {
    var command = Command("restic", ["--repo", url] + arguments, timeout: timeout)
    command.acceptedCodes = Set(0...125)
    return command
  }

  @discardableResult
  private func run(
    _ arguments: [String], timeout: Duration = .seconds(12 * 3600)
  ) async throws(NodeWorkError) -> CommandOutput {
    let output = try await call(command(arguments, timeout: timeout))
    guard output.code == 0 else { throw ResticMessages(output).error(url) }
    return output
  }

  private func call(_ command: Command) async throws(NodeWorkError) -> CommandOutput {
    guard DurableFile.exists(passphraseFile) else { throw Self.missing("the passphrase", url, passphraseFile) }
    try DurableFile.makeFolder(folder)
    var command = command
    command.environment = try environment()
    let start = ContinuousClock.now
    while true {
      let output = try await ended(command)
      guard output.code != 0, ResticMessages(output).isLocked, ContinuousClock.now - start < lockWait else {
        return output
      }
      // One of a process that is gone goes at once.
      try await breakLock()
      try? await Task.sleep(for: min(.seconds(10), lockWait))
    }
  }

  private func ended(_ command: Command) async throws(NodeWorkError) -> CommandOutput {
    do {
      return try await runner.run(command)
    } catch {
      guard case .timedOut(let limit) = error.ending else { throw NodeWorkError(.command, "\(error)") }
      throw NodeWorkError(
        .repositoryUnreachable, "\(url) did not answer within \(limit)", advice: ResticMessages.reachAdvice)
    }
  }
}
