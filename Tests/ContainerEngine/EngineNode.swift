import Foundation
import ProgramRunner
import ProgramTestSupport

/// A node with a real container engine and a real Borg, inside the namespaces of Scripts/with-container-engine.
///
/// Its data lies on Btrfs that the programs in `stand-ins` show as ZFS: what takes a snapshot, mounts it and drops it is
/// the kernel.
struct EngineNode {
  static func variable(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }

  /// Whether Scripts/with-container-engine runs this.
  static var isPossible: Bool { variable("CONTAINER_PROGRAMS") != nil && variable("DOCKER_HOST") != nil }

  /// The project's folder: this file is Tests/ContainerEngine/EngineNode.swift.
  static var source: String {
    variable("BOOTSTEAD_SOURCE")
      ?? URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().path
  }
  static var own: String { source + "/Tests/ContainerEngine" }
  private static var binaries: String { variable("BOOTSTEAD_BINARIES") ?? source + "/.build/release" }

  static let pool = "/run/pool"
  static let passphrase = "/run/bootstead/secrets/borg"

  let stacks: [String]
  let folder: TemporaryDirectory
  var set: String { folder.file("set.json") }
  var configuration: String { folder.file("backup.json") }

  /// A node without data, whose engine has the images and runs nothing.
  init(stacks: [String]) async throws {
    self.stacks = stacks
    folder = try TemporaryDirectory()
    if try await run("docker", ["images", "--quiet", "lab/box"]).standardOutput.isEmpty {
      try await run(Self.own + "/images", [])
    }
    try FileManager.default.copyItem(atPath: Self.own + "/stacks", toPath: folder.file("stacks"))
    try await makePool()
    try writeSecrets()
    try await compile()
    try writeBackupConfiguration()
  }

  /// Ends what runs, and takes the file systems down: the state of the agent too.
  func end() async throws {
    try await loseDisk()
    try await run("rm", ["-r", "-f", "/var/lib/bootstead", "/run/repositories", "/run/bootstead"])
  }

  // MARK: Programs

  /// - Parameter isChecked: whether an exit code other than 0 is an error.
  @discardableResult
  func run(_ program: String, _ arguments: [String], input: String? = nil, isChecked: Bool = true) async throws
    -> CommandOutput
  {
    var command = Command(program, arguments, input: input, timeout: .seconds(1200))
    let path = Self.own + "/stand-ins:" + (Self.variable("PATH") ?? "")
    command.environment = ["PATH": path, "POOL": Self.pool]
    if !isChecked { command.acceptedCodes = Set(0...255) }
    return try await SubprocessRunner().run(command)
  }

  static var agent: String { binaries + "/bootstead-agent" }

  @discardableResult
  func agent(_ arguments: [String], isChecked: Bool = true) async throws -> CommandOutput {
    try await run(Self.agent, arguments, isChecked: isChecked)
  }

  @discardableResult
  func apply(isChecked: Bool = true) async throws -> CommandOutput {
    try await agent(
      ["stacks", "apply", "--json", "--configuration", set, "--backup", configuration], isChecked: isChecked)
  }

  /// A command in a service's container.
  @discardableResult
  func inside(_ service: String, _ arguments: [String]) async throws -> String {
    try await run("docker", ["exec", service + "-1"] + arguments).standardOutput
  }

  // MARK: What is so

  /// The state of each container, such as `running (healthy)`, by its service: `ledger-database`.
  func containers() async throws -> [String: String] {
    let lines = try await run("docker", ["ps", "--all", "--format", "{{.Names}}\t{{.State}}\t{{.Status}}"])
      .standardOutput.split(separator: "\n")
    var states: [String: String] = [:]
    for line in lines {
      let parts = line.split(separator: "\t").map(String.init)
      let health = parts[2].contains("(healthy)") ? " (healthy)" : ""
      states[String(parts[0].dropLast(2))] = parts[1] + health
    }
    return states
  }

  /// What a run may leave behind when nothing works on the node: none of these lines.
  func leftovers() async throws -> [String] {
    var found = children(Self.pool).filter { $0.contains("@") }.map { "the snapshot \($0)" }
    let mounts = try String(contentsOfFile: "/proc/self/mountinfo", encoding: .utf8)
    found += mounts.split(separator: "\n").filter { $0.contains("/var/lib/bootstead/backup/") }.map {
      "the mount \($0)"
    }
    for stack in stacks {
      for name in ["journal.json", "source/dump/ledger.dump"] where exists("/var/lib/bootstead/backup/\(stack)/\(name)")
      {
        found.append("the file \(name) of \(stack)")
      }
      if exists("/run/repositories/\(stack)/lock.exclusive") { found.append("the lock of \(stack)'s repository") }
    }
    for (name, state) in try await containers().sorted(by: { $0.key < $1.key }) where !state.hasPrefix("running") {
      found.append("\(name) is \(state)")
    }
    let borg = try await run(
      "sh",
      ["-c", "for file in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$file; echo; done 2>&1 | grep '[b]org ' || true"]
    ).standardOutput
    found += borg.split(separator: "\n").map { "the process \($0)" }
    return found
  }

  func children(_ path: String) -> [String] { (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] }

  func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  // MARK: The machine

  func makePool() async throws {
    // Each class lies on a data set; the agent makes those of single stacks.
    let script = """
      set -eu
      truncate -s 2G /run/pool.img
      mkfs.btrfs -q /run/pool.img >/dev/null
      mkdir -p \(Self.pool)
      /bin/mount -o loop /run/pool.img \(Self.pool)
      /bin/findmnt --noheadings --output SOURCE \(Self.pool) >\(Self.pool)/device
      for class in appdata db photos scratch; do zfs create -o mountpoint=/srv/$class tank/$class; done
      """
    try await run("bash", ["-c", script])
  }

  /// The disk with all data is gone, and the containers with it; repositories stay.
  func loseDisk() async throws {
    let script = """
      docker ps --all --quiet | xargs --no-run-if-empty docker rm --force >/dev/null
      docker network prune --force >/dev/null
      for target in $(awk '$5 ~ "^/srv/" { print $5 }' /proc/self/mountinfo | sort -r); do umount "$target"; done
      umount \(Self.pool)
      rm -f /run/pool.img
      find /srv -mindepth 1 -delete
      """
    try await run("bash", ["-e", "-c", script])
  }

  /// The machine restarts: the engine ends what runs, /run is empty, and of the file systems only those that fstab would
  /// name are there when the engine comes back. Then come the secrets.
  func restart() async throws {
    try await run("bash", [Self.own + "/restart-engine"])
    try writeSecrets()
  }

  func writeSecrets() throws {
    let secrets = "/run/bootstead/secrets"
    try FileManager.default.createDirectory(atPath: secrets, withIntermediateDirectories: true)
    // With the owners of the containers that read them, and for nobody else.
    for (name, text, owner) in [
      ("ledger-password", "correct horse battery staple\n", 999), ("pages-token", "a token with $ and \"\n", 0),
      ("borg", "a passphrase\n", 0),
    ] {
      let path = secrets + "/" + name
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
      try FileManager.default.setAttributes(
        [.posixPermissions: 0o400, .ownerAccountID: owner, .groupOwnerAccountID: owner], ofItemAtPath: path)
    }
  }

  /// - Parameters:
  ///   - pagesHost: a name for the pages instead of their own.
  ///   - left: the stacks that the machine still has; all where nil.
  func compile(pagesHost: String? = nil, left: [String]? = nil) async throws {
    let stacks = left ?? stacks
    let data = try Data(contentsOf: URL(fileURLWithPath: Self.own + "/machine.json"))
    guard var fields = try JSONSerialization.jsonObject(with: data) as? [String: Any],
      var settings = fields["settings"] as? [String: Any], var chosen = settings["stacks"] as? [String: Any],
      var single = chosen["settings"] as? [String: [String: Any]]
    else { throw CocoaError(.fileReadCorruptFile) }
    fields["stacks"] = stacks
    single["pages"]?["host"] = pagesHost
    chosen["settings"] = single.filter { stacks.contains($0.key) }
    settings["stacks"] = chosen
    fields["settings"] = settings
    // The templates lie beside it.
    let file = folder.file("machine.json")
    try JSONSerialization.data(withJSONObject: fields).write(to: URL(fileURLWithPath: file))
    try await run(
      Self.binaries + "/bootstead",
      ["stack", "compile", "--templates", Self.source + "/templates", "--file", file, "--output", set])
  }

  /// Changes a file of a stack's template.
  func edit(_ name: String, _ text: String, _ replacement: String) throws {
    let file = folder.file("stacks/" + name)
    let before = try String(contentsOfFile: file, encoding: .utf8)
    try Data(before.replacing(text, with: replacement).utf8).write(to: URL(fileURLWithPath: file))
  }

  private func writeBackupConfiguration() throws {
    let names = stacks.map { "\"\($0)\"" }.joined(separator: ",")
    let text = #"""
      {"schema":1,"ping":null,"repositories":{"nas":{"type":"borg","url":"/run/repositories","hostKey":null,
      "passphraseFile":"\#(Self.passphrase)","sshKeyFile":null,"environmentFiles":{},"remoteShell":null}},
      "plans":{"copies":{"design":"borg-per-service","tier":1,"stacks":[\#(names)],"repository":"nas",
      "settings":{"encryption":"repokey-blake2","compression":"lz4","exclude":[],
      "retention":{"last":3,"daily":0,"weekly":0,"monthly":0,"yearly":0},
      "stackRetention":{},"checkSchedule":"weekly","passphraseFiles":{}}}}}
      """#
    try Data(text.utf8).write(to: URL(fileURLWithPath: configuration))
  }
}
