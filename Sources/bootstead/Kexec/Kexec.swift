import AgentProtocol
import ArgumentParser
import DiskLayout
import Fleet
import Foundation
import OperatorAPI

struct Kexec: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kexec", abstract: "Take over a machine that already runs some Linux.",
    discussion: """
      Over SSH: copies the agent into the machine's memory, shows what runs there and which disk is taken, and after \
      consent starts the installer from the running system. With --token it prints a line to paste into a rescue shell \
      instead. Nothing is written to a disk before; where the installer does not reach this appliance, the machine \
      restarts into its old system.
      """)

  @OptionGroup var appliance: ApplianceOptions
  @OptionGroup var layout: LayoutOptions

  @Argument(help: "USER@HOST; the user is root, or may use sudo without a password.") var target: String?
  @Option(help: "The machine's name; it is added where it is not known.") var name: String
  @Flag(help: "Print a line with a one-time token for the machine's own shell, instead of logging in.") var token =
    false
  @Option(help: "The SSH server's port.") var port: Int = 22
  @Option(help: "The fingerprint of the SSH server's key, SHA256:…, as its owner told it.") var hostKey: String?
  @Option(help: "A private key to log in with; otherwise as ssh does.") var identity: String?
  @Option(help: "The file of confirmed host keys (default: known_hosts beside the appliance's socket).")
  var knownHosts: String?
  @Option(
    name: .customLong("appliance"),
    help: "Where the machine reaches this appliance: http://ADDRESS:PORT. May be repeated.")
  var urls: [String] = []
  @Option(help: "The static agent (default: bootstead-agent beside this program).") var agent: String?
  @Option(help: "The node's role, such as docker-host.") var role: String?
  @Option(help: "A container stack for the node. May be repeated.") var stack: [String] = []
  @Option(help: "The store path of the NixOS system to install.") var closure: String?
  @Option(help: "The boot image that installs it.") var image: String?
  @Option(help: "The serial number of a disk that may be erased although it is not blank. May be repeated.")
  var wipe: [String] = []
  @Flag(help: "Begin no install before the code on its screen was compared.") var compareCode = false
  @Flag(help: "Do not ask whether the running system may end.") var yes = false

  func validate() throws {
    guard token == (target == nil) else { throw ValidationError("name USER@HOST, or give --token") }
    if let hostKey, !hostKey.hasPrefix("SHA256:") || hostKey.utf8.count != 50 {
      throw ValidationError("--host-key '\(hostKey)' is not SHA256: and 43 characters, as ssh-keygen -l prints it")
    }
  }

  func run() async throws {
    try await reportingFailures {
      if let target { try await overSSH(target) } else { try await byToken() }
    }
  }

  private func request() throws -> PrepareTakeover {
    var spec = LayoutSpec()
    try layout.apply(to: &spec)
    var machine = AddMachine(name: try MachineName(name), addresses: [], layout: spec)
    (machine.role, machine.stacks, machine.closure, machine.image) = (role, stack, closure, image)
    (machine.consents, machine.comparesCode) = (wipe, compareCode)
    machine.window = 24 * 3600
    return PrepareTakeover(machine: machine, layout: layout.isEmpty ? nil : spec)
  }

  // MARK: In a rescue shell

  private struct TokenLine: Encodable {
    var machine: MachineDetail
    var expiresAt: Date
    var lines: [String]
  }

  private func byToken() async throws {
    let answer: TakeoverAnswer = try await appliance.client.send("POST", "/v1/takeovers", request())
    let all = zip(answer.urls, answer.scriptDigests).filter { urls.isEmpty || urls.contains($0.0) }
    guard !all.isEmpty else {
      throw CommandFailure.failed(
        "this appliance serves \(answer.urls.joined(separator: ", ")), not \(urls.joined(separator: ", "))")
    }
    let lines = all.map { url, digest in
      "s=$(curl -fsS '\(url)\(TakeoverPath.script)') && printf %s \"$s\" | sha256sum | grep -q '^\(digest) ' && printf %s \"$s\" | BOOTSTEAD_TOKEN='\(answer.offer.token)' sh || echo 'bootstead: not begun'"
    }
    try show(
      TokenLine(machine: answer.offer.machine, expiresAt: answer.offer.expiresAt, lines: lines), json: appliance.json
    ) {
      let name = answer.offer.machine.machine.name
      let first =
        lines.count > 1 ? "\(lines[0])\n\nor, over IPv6:\n\n\(lines.dropFirst().joined(separator: "\n\n"))" : lines[0]
      return """
        Paste this into a root shell of the machine. It is good once, until \(answer.offer.expiresAt.formatted(.iso8601)).

        \(first)

        Then: bootstead watch \(name)
        """
    }
  }

  // MARK: Over SSH

  private func overSSH(_ text: String) async throws {
    let target = try SecureShell.Target(text, port: port)
    let client = appliance.client
    let agentPath = try agent ?? agentBeside()
    let folder = URL(fileURLWithPath: client.socketPath).deletingLastPathComponent().path
    var shell = SecureShell(
      target: target, knownHosts: KnownHosts(path: knownHosts ?? folder + "/known_hosts"), identity: identity)
    shell.key = try await confirmedKey(shell)

    say("copying the agent into the memory of \(target.host)")
    let output = try await shell.run(KexecScript.inspect, sending: agentPath)
    let inspection: TakeoverInspection
    do { inspection = try MessageCoder.decode(TakeoverInspection.self, from: Array(output.utf8)) } catch {
      throw CommandFailure.failed("the agent on \(target.host) answered in an unexpected form: \(error)")
    }
    do {
      try await takeOver(shell, inspection)
    } catch {
      // Leaves nothing in the machine's memory; a machine that is gone already needs nothing.
      _ = try? await shell.run(KexecScript.cleanUp, sending: "/dev/null")
      throw error
    }
  }

  private func takeOver(_ shell: SecureShell, _ inspection: TakeoverInspection) async throws {
    let host = shell.target.host
    guard inspection.obstacles.isEmpty else {
      throw CommandFailure.failed("\(host) can not be taken over: \(inspection.obstacles.joined(separator: "; "))")
    }
    var request = try request()
    request.machine.addresses = inspection.inventory.interfaces.map(\.mac)
    request.inventory = inspection.inventory
    guard !request.machine.addresses.isEmpty else {
      throw CommandFailure.failed("\(host) has no network card of its own that could be recognised")
    }
    for line in inspection.system.lines { say(line) }
    for disk in inspection.inventory.disks.disks {
      say(
        "disk: \(disk.summary)\(disk.contents.isBlank ? ", blank" : ": " + disk.contents.findings.joined(separator: "; "))"
      )
    }
    try await agree(&request, inspection)

    let client = appliance.client
    let before: [FleetEvent] = (try? await client.get("/v1/machines/\(pathComponent(name))/events")) ?? []
    let answer: TakeoverAnswer = try await client.send("POST", "/v1/takeovers", request)
    let urls = urls.isEmpty ? answer.urls : urls
    // Words of a shell's command line there.
    for url in urls where url.wholeMatch(of: /http:\/\/[0-9A-Za-z.\-:\[\]]{1,253}/) == nil {
      throw CommandFailure.failed("'\(url)' is not an address: write it like http://192.0.2.1:8080")
    }
    try await shell.follow(
      KexecScript.start(urls.map { "--appliance \($0)" }.joined(separator: " ")), sending: answer.offer.token + "\n")
    // The connection ends with the old system: the appliance's own record says how.
    var last = before.last?.id ?? 0
    var steps: [FleetEvent] = []
    while true {
      let more: [FleetEvent] = try await client.get("/v1/machines/\(pathComponent(name))/events?after=\(last)")
      guard let end = more.last?.id else { break }
      steps += more
      last = end
    }
    guard steps.contains(where: { $0.detail == TakeoverStep.Stage.executing.rawValue }),
      !steps.contains(where: { $0.detail == TakeoverStep.Stage.failed.rawValue })
    else {
      throw CommandFailure.failed(
        "\(host) was not taken over and runs on; the messages above say why, and 'bootstead watch \(name)' what the appliance saw"
      )
    }
    let machine: MachineDetail = try await client.get("/v1/machines/\(pathComponent(name))")
    try show(machine, json: appliance.json) {
      "\(machine.machine.name) starts the installer: bootstead watch \(machine.machine.name)"
    }
  }

  /// Shows what is written where, and gets the consent for it.
  private func agree(_ request: inout PrepareTakeover, _ inspection: TakeoverInspection) async throws {
    let isTerminal = isatty(STDIN_FILENO) == 1
    var preview: TakeoverPreview = try await appliance.client.send("POST", "/v1/takeovers/preview", request)
    if let refusal = preview.refusal {
      say("no disk can be taken yet: \(refusal)")
      guard isTerminal else {
        throw CommandFailure.failed("\(refusal)\nWhat is on a disk is erased only where it is named: --wipe SERIAL")
      }
      let serial = ask("Type the serial number of the disk that may be erased, or nothing to stop: ")
      guard inspection.inventory.disks.disks.contains(where: { $0.consentName == serial }) else {
        throw CommandFailure.failed(
          serial.isEmpty
            ? "stopped; nothing was changed"
            : "no disk of this machine has the serial number '\(serial)'; nothing was changed")
      }
      request.machine.consents.append(serial)
      preview = try await appliance.client.send("POST", "/v1/takeovers/preview", request)
    }
    guard let plan = preview.plan, let disk = preview.disk else {
      throw CommandFailure.failed("\(preview.refusal ?? "there is no plan for its disks"); nothing was changed")
    }
    say(plan)
    guard !yes else { return }
    guard isTerminal else {
      throw CommandFailure.failed(
        "there is no terminal to ask on: give --yes to end \(inspection.system.name) there and erase the disk \(disk)")
    }
    guard ask("\(inspection.system.name) ends, and what is on the disk \(disk) is erased. Type yes to go on: ") == "yes"
    else {
      throw CommandFailure.failed("stopped; nothing was changed")
    }
  }

  private func confirmedKey(_ shell: SecureShell) async throws -> HostKey {
    let name = shell.target.knownName
    let shown = try await shell.scan()
    switch try KnownHosts.decide(name: name, pinned: shell.knownHosts.keys(of: name), shown: shown, wanted: hostKey) {
    case .pinned(let key): return key
    case .confirmed(let key):
      try shell.knownHosts.pin(key, of: name)
      return key
    case .unknown(let key):
      guard isatty(STDIN_FILENO) == 1 else {
        throw CommandFailure.failed(
          "the host key of \(name) is not known yet: it shows \(key); where that is right, give --host-key \(key.fingerprint)"
        )
      }
      say("the host key of \(name) is \(key)")
      guard ask("Is that its fingerprint? Type yes to go on: ") == "yes" else {
        throw CommandFailure.failed("the host key of \(name) was not confirmed")
      }
      try shell.knownHosts.pin(key, of: name)
      return key
    }
  }

  private func say(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

  private func ask(_ question: String) -> String {
    FileHandle.standardError.write(Data(question.utf8))
    return readLine()?.trimmingCharacters(in: .whitespaces) ?? ""
  }
}

/// What runs on the machine's side of the SSH connection: POSIX shell without a single quote in it.
enum KexecScript {
  private static let folder = "/run/bootstead-takeover"

  static let inspect = """
    set -e; f=\(folder); umask 077; \
    [ "$(uname -m)" = x86_64 ] || { echo "this machine is $(uname -m); there is an installer for x86_64 only" >&2; exit 1; }; \
    mkdir -p $f; grep -q " $f " /proc/mounts || mount -t tmpfs -o mode=0700,size=128m bootstead $f || \
    { echo "no memory-backed folder can be made at $f: is this root, and no container?" >&2; exit 1; }; \
    cat > $f/bootstead-agent; chmod 0700 $f/bootstead-agent; exec $f/bootstead-agent takeover inspect --json
    """

  static func start(_ arguments: String) -> String { "exec \(folder)/bootstead-agent takeover start \(arguments)" }

  static let cleanUp = "umount -l \(folder) 2>/dev/null; rmdir \(folder) 2>/dev/null; true"
}
