import FoundationEssentials
import Glibc
import ProgramRunner
import StackSet

/// Brings folders to a Proxmox Backup Server by its own client: one snapshot there, with an archive for each folder.
///
/// Options and variables: https://pbs.proxmox.com/docs/backup-client.html and …/command-syntax.html
struct ProxmoxCopier: FolderCopier {
  let repository: BackupConfiguration.Repository
  let settings: ProxmoxSettings
  /// The group's name on the server, `host/MACHINE`.
  let machine: String
  let runner: any CommandRunner

  /// Variables that the client also takes as the name of a file.
  private static let fromFile: Set<String> = ["PBS_PASSWORD", "PBS_ENCRYPTION_PASSWORD"]

  var target: String { repository.url }

  private var place: [String] {
    ["--repository", repository.url] + (settings.namespace.map { ["--ns", $0] } ?? [])
  }

  func probe(paths: [String], missing: [MountAudit.Missing]) async throws(NodeWorkError) {
    let names = paths.map(Self.archive)
    for (path, name) in zip(paths, names) where names.count(where: { $0 == name }) > 1 {
      throw NodeWorkError(
        .configuration, "\(path) and another folder would both be \(name)",
        advice: "name one of them by a link-free path")
    }
    _ = try environment()
  }

  /// What a folder is called on the server: letters, digits, hyphens and underscores.
  static func archive(_ path: String) -> String {
    let name = path.split(separator: "/").joined(separator: "-").map { character in
      character.isASCII && (character.isLetter || character.isNumber || character == "-") ? character : "_"
    }
    return (name.isEmpty ? "root" : String(name)) + ".pxar"
  }

  func copy(_ folders: [ReadyFolder], dumps: [ReadyDumps]) async -> FolderCopies {
    var made = FolderCopies()
    guard !folders.isEmpty else { return made }
    let time = Date.now
    do {
      let specifications = folders.map { "\(Self.archive($0.path)):\($0.place)" }
      // Each stack's file system is mounted below its class's folder, and would be passed over.
      try await call(
        ["backup"] + specifications + [
          "--backup-type", "host", "--backup-id", machine, "--backup-time", "\(Int(time.timeIntervalSince1970))",
          "--all-file-systems", "true", "--skip-lost-and-found", "true",
        ] + place)
    } catch {
      for folder in folders { made.failures[folder.path] = error }
      return made
    }
    let snapshot = "host/\(machine)/\(time.formatted(.iso8601))"
    for folder in folders {
      made.copies[folder.path] = FolderCopies.Copy(archive: snapshot + " " + Self.archive(folder.path))
    }
    let rules = settings.retention.arguments
    guard !rules.isEmpty else { return made }
    do {
      try await call(["prune", "host/\(machine)"] + rules + place)
    } catch {
      made.later = NodeWorkError(
        error.kind, "\(snapshot) was made, and old ones could not be removed: \(error.problem)",
        advice:
          "give the token the right to prune its own backups, or prune on the server and set all of 'retention' to 0")
    }
    return made
  }

  private func environment() throws(NodeWorkError) -> [String: String] {
    var variables: [String: String] = [:]
    for (name, file) in repository.environmentFiles {
      guard let bytes = try DurableFile.bytes(of: file) else {
        throw NodeWorkError(
          .configuration, "the secret \(name) of \(repository.url) is not in \(file)",
          advice: "run 'bootstead-agent secrets apply', or give the secret to the appliance")
      }
      if Self.fromFile.contains(name) {
        variables[name + "_FILE"] = file
      } else {
        let text = String(decoding: bytes, as: UTF8.self)
        variables[name] = text.hasSuffix("\n") ? String(text.dropLast()) : text
      }
    }
    guard repository.environmentFiles["PBS_PASSWORD"] != nil else {
      throw NodeWorkError(
        .configuration, "no password is declared for \(repository.url)",
        advice: "name the secret in the repository's environment.PBS_PASSWORD")
    }
    if let fingerprint = repository.hostKey { variables["PBS_FINGERPRINT"] = fingerprint }
    // systemd gives root's services none, and the client looks there for the key that it encrypts with.
    if getenv("HOME") == nil { variables["HOME"] = "/root" }
    return variables
  }

  private func call(_ arguments: [String]) async throws(NodeWorkError) {
    var command = Command("proxmox-backup-client", arguments, timeout: .seconds(48 * 3600))
    command.environment = try environment()
    command.acceptedCodes = Set(0...255)
    let output = try await runner.work(command)
    guard output.code != 0 else { return }
    let lines = output.standardError.split(whereSeparator: \.isNewline).suffix(4).map { $0.prefix(300) }
    let said = lines.isEmpty ? "it ended with code \(output.code)" : lines.joined(separator: " / ")
    throw NodeWorkError(
      .command, "\(repository.url): proxmox-backup-client \(arguments[0]): \(said)",
      advice: "see whether the server is up, its fingerprint is 'hostKey', and the token may write to the store")
  }
}

extension BackupEngine {
  func runProxmox(
    _ settings: ProxmoxSettings, plan: BackupPlan, name: String, _ configuration: BackupConfiguration
  ) async -> [BackupResult] {
    await runFolders(settings.paths, plan: plan, name: name, configuration) { (_, runner) throws(NodeWorkError) in
      ProxmoxCopier(
        repository: try plan.declared("pbs", in: configuration), settings: settings, machine: set.machine,
        runner: runner)
    }
  }
}
