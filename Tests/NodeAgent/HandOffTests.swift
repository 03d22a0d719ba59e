import AgentProtocol
import Foundation
import HTTPConnection
import NodeAgent
import Testing

@Suite("Hand-off and the node's report", .timeLimit(.minutes(1)))
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
