import AgentProtocol
import Foundation
import HTTPConnection
import NodeAgent
import NodeFiles
import ProgramRunner
import Testing

@Suite("Hand-off and the node's report", .timeLimit(.minutes(10)))
struct HandOffTests {
  private func handOff(_ target: String, _ keys: AgentKeys, url: String = "http://192.0.2.1:8080") throws -> HandOff {
    HandOff(
      target: target,
      configuration: NodeConfiguration(
        applianceURL: url, appliancePublicKey: try SigningPrivateKey().publicKey, machineName: "node1"), keys: keys)
  }

  @Test("the node finds its configuration, its keys and its sealed secrets, for root only; twice is the same as once")
  func files() throws {
    let folder = try TemporaryFolder()
    let keys = try AgentKeys()
    let sealed = try AgentKeys.seal("a secret", keys)
    for _ in 0..<2 {
      try handOff(folder.path, keys).write(try Sample.task(secrets: ["token": Data(sealed)]))
    }
    #expect(folder.mode("/var/lib/bootstead") == 0o700)
    #expect(folder.mode("/var/lib/bootstead/secrets") == 0o700)
    let names = ["machine.json", "node.json", "node.key", "node.age", "secrets/token.age"]
    for name in names { #expect(folder.mode("/var/lib/bootstead/\(name)") == 0o600, "\(name)") }
    let identity = try String(contentsOfFile: folder.path + NodeConfiguration.identityPath, encoding: .utf8)
    let opened = try AgeFile.open(
      Array(try Data(contentsOf: URL(fileURLWithPath: folder.path + "/var/lib/bootstead/secrets/token.age"))),
      with: AgeIdentity(secretText: identity.trimmingCharacters(in: .newlines)))
    #expect(String(decoding: opened, as: UTF8.self) == "a secret")
    let left = try FileManager.default.subpathsOfDirectory(atPath: folder.path + "/var/lib/bootstead")
    #expect(Set(left) == Set(names + ["secrets"]))
  }

  @Test("a secret's name can not leave its folder", arguments: ["../x", "a/b", "", ".hidden", "a b", "ä", "a\u{0}b"])
  func unsafeNames(name: String) throws {
    let folder = try TemporaryFolder()
    let keys = try AgentKeys()
    let task = try Sample.task(secrets: [name: Data(try AgentKeys.seal("x", keys))])
    #expect(throws: HandOffError.unsafeSecretName(name)) { try handOff(folder.path, keys).write(task) }
    #expect(folder.mode("/var") == nil)
  }

  @Test("a secret that is sealed to somebody else is found now, not at the first start")
  func foreignSecret() throws {
    let folder = try TemporaryFolder()
    let foreign = try AgeFile.seal([1], to: AgeIdentity().recipient)
    #expect(throws: HandOffError.unreadableSecret("token", .otherRecipient)) {
      try handOff(folder.path, try AgentKeys()).write(try Sample.task(secrets: ["token": Data(foreign)]))
    }
  }

  @Test("keys survive a restart of the agent, a damaged file does not stop it")
  func keys() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/run/agent.keys"
    let first = try AgentKeys.loadOrMake(at: path)
    #expect(folder.mode("/run/agent.keys") == 0o600)
    let second = try AgentKeys.loadOrMake(at: path)
    #expect(first.agent.publicKey == second.agent.publicKey)
    #expect(first.node.publicKey == second.node.publicKey)
    #expect(first.identity.recipient == second.identity.recipient)
    try folder.write("x\ny\nz\n", to: "/run/agent.keys")
    #expect(try AgentKeys.loadOrMake(at: path).agent.publicKey != first.agent.publicKey)
  }

  @Test("the installed node reports with its own key, through trouble, each time with a higher number")
  func report() async throws {
    let folder = try TemporaryFolder()
    let keys = try AgentKeys()
    let appliance = try FakeAppliance()
    appliance.change { state in
      state.installed = [
        InstalledReport(
          task: "install-1", nodeKey: keys.node.publicKey, nodeRecipient: keys.identity.recipient, disks: [],
          closure: Sample.closure)
      ]
      state.troubles[AgentPath.report] = [.close, .unavailable, .wrongKey]
    }
    try folder.write("6.1.0\n", to: "/proc/sys/kernel/osrelease")
    try folder.write("12.5 20.0\n", to: "/proc/uptime")
    try folder.write("", to: "/nix/var/nix/profiles/x")
    try FileManager.default.createSymbolicLink(
      atPath: folder.path + "/nix/var/nix/profiles/system", withDestinationPath: "system-1-link")
    try FileManager.default.createSymbolicLink(
      atPath: folder.path + "/nix/var/nix/profiles/system-1-link", withDestinationPath: Sample.closure)
    let root = folder.path
    let screen = Screen()
    try await appliance.serve { endpoint in
      try HandOff(
        target: root,
        configuration: NodeConfiguration(
          applianceURL: endpoint.description, appliancePublicKey: appliance.key.publicKey, machineName: "node1"),
        keys: keys
      ).write(try Sample.task())
      for _ in 0..<2 {
        // A clock that stands still, as on a board without a battery.
        try await NodeReporter(root: root, log: AgentLog(show: screen.show), now: { 1000 }, pause: { _ in }).run()
      }
    }
    let reports = appliance.read(\.nodeReports)
    // The one that the wrong key answered was accepted by the appliance, and sent again.
    #expect(reports.count == 3)
    #expect(reports.allSatisfy { $0.closure == Sample.closure && $0.kernel == "6.1.0" && $0.uptime == 12.5 })
    #expect(appliance.read(\.nodeCounter).last == 1004)
  }

  /// A node that stays, until it has reported so often.
  private func stay(
    _ orders: [NodeOrders], reports: Int, troubles: [FakeAppliance.Trouble] = [], restartFails: Bool = false
  ) async throws -> (restarts: Int, screen: Screen, kept: String?) {
    let folder = try TemporaryFolder()
    let root = folder.path
    let keys = try AgentKeys()
    let appliance = try FakeAppliance()
    appliance.change { state in
      state.installed = [
        InstalledReport(
          task: "install-1", nodeKey: keys.node.publicKey, nodeRecipient: keys.identity.recipient, disks: [],
          closure: Sample.closure)
      ]
      state.orders = orders
      state.troubles[AgentPath.report] = troubles
    }
    let screen = Screen()
    let restarts = Counter()
    let last = Counter()
    try await appliance.serve { endpoint in
      try HandOff(
        target: root,
        configuration: NodeConfiguration(
          applianceURL: endpoint.description, appliancePublicKey: appliance.key.publicKey, machineName: "node1"),
        keys: keys
      ).write(try Sample.task())
      let log = AgentLog(show: screen.show)
      let boot = NetworkBoot(root: root, runner: FakeRunner(), log: log) {
        _ = restarts.next()
        if restartFails { throw CommandFailure(command: "reboot", ending: .exited(1)) }
      }
      let reporter = NodeReporter(root: root, log: log, now: { 1000 }) { duration in
        // The pause between reports, not one between attempts.
        if duration == .seconds(7), last.next() >= reports { throw CancellationError() }
      }
      await #expect(throws: CancellationError.self) {
        try await reporter.stay(networkBoot: boot) { _, _ in
          SystemRollout(root: root, runner: FakeRunner(), log: log, store: FakeStore())
        }
      }
    }
    #expect(appliance.read(\.nodeReports).count >= reports)
    let kept = FileSystemEntry(root + NetworkBoot.path).line
    _ = folder.mode("/")
    return (Int(restarts.next()) - 1, screen, kept)
  }

  @Test("a node that stays starts from the network once for an order, however often it gets it")
  func networkBoot() async throws {
    let order = NodeOrders(nextReport: 7, networkBoot: "rebuild-1")
    let result = try await stay([NodeOrders(nextReport: 7), order], reports: 5)
    #expect(result.restarts == 1 && result.kept == "rebuild-1")
    let next = NodeOrders(nextReport: 7, networkBoot: "rebuild-2")
    #expect(try await stay([order, order, next], reports: 5).restarts == 2)
  }

  @Test("a node restarts for no answer that somebody else signed, and for none without orders")
  func foreignOrders() async throws {
    let order = NodeOrders(nextReport: 7, networkBoot: "rebuild-1")
    let result = try await stay([order, NodeOrders(nextReport: 7)], reports: 2, troubles: [.wrongKey])
    #expect(result.restarts == 0 && result.kept == nil)
    #expect(try await stay([NodeOrders(nextReport: 7)], reports: 2).restarts == 0)
    let hostile = NodeOrders(nextReport: 7, networkBoot: String(repeating: "x", count: 5000))
    #expect(try await stay([hostile], reports: 2).restarts == 0)
  }

  @Test("a restart that fails is tried again with the next report")
  func failedRestart() async throws {
    let order = NodeOrders(nextReport: 7, networkBoot: "rebuild-1")
    let result = try await stay([order], reports: 3, restartFails: true)
    #expect(result.restarts == 3 && result.kept == nil)
    #expect(result.screen.lines.contains { $0.contains("could not be started from the network") })
  }

  /// EFI_LOAD_OPTION with its attributes as efivarfs gives them.
  private static func option(_ label: String, mac: [UInt8]?, isActive: Bool = true) -> Data {
    var path: [UInt8] = [2, 1, 12, 0] + [UInt8](repeating: 0, count: 8)
    if let mac { path += [3, 11, 37, 0] + mac + [UInt8](repeating: 0, count: 26) + [1] }
    path += mac == nil ? [4, 4, 6, 0, 65, 0] : [3, 12, 27, 0] + [UInt8](repeating: 0, count: 23)
    path += [0x7f, 0xff, 4, 0]
    let text =
      Array(label.utf16).flatMap { (unit: UInt16) -> [UInt8] in [UInt8(unit & 0xff), UInt8(unit >> 8)] } + [0, 0]
    let length = [UInt8(path.count & 0xff), UInt8(path.count >> 8)]
    return Data([7, 0, 0, 0, isActive ? 1 : 0, 0, 0, 0] + length + text + path)
  }

  @Test(
    "on UEFI the next start is the network entry of an interface with a link, else the first network entry",
    arguments: [("52:54:00:12:34:56", 3), ("52:54:00:99:99:99", 5)] as [(String, UInt8)])
  func bootNext(_ mac: String, _ number: UInt8) async throws {
    let folder = try TemporaryFolder()
    let variables = "/sys/firmware/efi/efivars/"
    let global = "-8be4df61-93ca-11d2-aa0d-00e098032b8c"
    func write(_ name: String, _ content: Data) throws {
      try folder.write("", to: variables + name + global)
      try content.write(to: URL(fileURLWithPath: folder.path + variables + name + global))
    }
    try write("Boot0002", Self.option("Bootstead node1", mac: nil))
    try write("Boot0003", Self.option("UEFI PXEv4", mac: [0x52, 0x54, 0, 0x12, 0x34, 0x56]))
    try write("Boot0004", Self.option("off", mac: [0x52, 0x54, 0, 0x12, 0x34, 0x56], isActive: false))
    try write("Boot0005", Self.option("UEFI PXEv4 other", mac: [2, 0, 0, 0, 0, 1]))
    try write("BootOrder", Data([7, 0, 0, 0, 2, 0, 4, 0, 5, 0, 3, 0]))
    try folder.write("", to: "/var/lib/bootstead/node.json")
    try folder.write("x", to: "/sys/class/net/eth0/device/x")
    try folder.write("1\n", to: "/sys/class/net/eth0/type")
    try folder.write("\(mac)\n", to: "/sys/class/net/eth0/address")
    try folder.write("1\n", to: "/sys/class/net/eth0/carrier")
    try await NetworkBoot(root: folder.path, runner: FakeRunner(), log: AgentLog { _ in }) {}.carryOut("x")
    let next = try Data(contentsOf: URL(fileURLWithPath: folder.path + variables + "BootNext" + global))
    #expect(Array(next) == [7, 0, 0, 0, number, 0])
  }

  @Test("a machine that was not installed by us can not report, and says why")
  func notInstalled() async throws {
    let folder = try TemporaryFolder()
    let root = folder.path
    await #expect(throws: NodeReportError.missing(NodeConfiguration.path)) {
      try await NodeReporter(root: root, log: AgentLog { _ in }).run()
    }
  }

  @Test("no text from the network moves the cursor of a console")
  func logLines() {
    let screen = Screen()
    let log = AgentLog(show: screen.show)
    log.say("a\u{1b}[2Jb\r\nc\u{7f}")
    #expect(screen.lines == ["a[2Jb", "c"])
    for number in 0..<500 { log.say("line \(number)") }
    #expect(log.recent.count == AgentLog.limit)
    #expect(log.recent.last == "line 499")
  }
}
