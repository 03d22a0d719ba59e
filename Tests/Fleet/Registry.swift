import AgentProtocol
import BootDecision
import DiskLayout
import Fleet
import Foundation
import GRDB
import NetworkAddress
import Synchronization

/// A registry in a folder of its own, with a clock that the test moves.
final class Registry: Sendable {
  static let source = InstallSource(cachePublicKeys: ["cache:key"])
  static let closure = "/nix/store/" + String(repeating: "0", count: 32) + "-nixos-system-node"

  let folder: URL
  let fleet: Fleet
  let applianceKey: SigningPrivateKey
  private let clock: Clock

  private final class Clock: Sendable {
    let now = Mutex(Date(timeIntervalSince1970: 1_800_000_000))
  }

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("fleet-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let clock = Clock()
    self.clock = clock
    fleet = try Fleet(path: folder.appendingPathComponent("fleet.sqlite").path) { clock.now.withLock { $0 } }
    applianceKey = try SigningPrivateKey()
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  var path: String { folder.appendingPathComponent("fleet.sqlite").path }

  /// The same file, opened once more.
  func reopened() throws -> Fleet { try Fleet(path: path) }

  func pass(seconds: TimeInterval) { clock.now.withLock { $0 += seconds } }

  func sql<Value: DatabaseValueConvertible & Sendable>(_ statement: String, as type: Value.Type = Value.self) throws
    -> [Value]
  {
    try DatabaseQueue(path: path).write { try Value.fetchAll($0, sql: statement) }
  }

  @discardableResult
  func add(
    _ name: String = "node1", macs: [String] = ["52:54:00:00:00:01"], closure: String? = Registry.closure,
    window: TimeInterval = 3600, comparesCode: Bool = false
  ) async throws -> MachineDetail {
    var request = AddMachine(
      name: try MachineName(name), addresses: try macs.map { try MACAddress($0) }, layout: LayoutSpec())
    request.closure = closure
    request.window = window
    request.comparesCode = comparesCode
    return try await fleet.add(request)
  }

  func boot(_ mac: String = "52:54:00:00:00:01", enrolment: Enrolment = .closed) async throws -> BootAnswer {
    try await fleet.boot(
      BootContact(mac: try MACAddress(mac), uuid: nil, serial: nil, product: nil, platform: nil), enrolment: enrolment)
  }

  func state(_ name: String = "node1") async throws -> MachineState { try await fleet.machine(name).machine.state }

  static let inventory = MachineInventory(
    processor: .init(architecture: "x86_64", threads: 2), memoryBytes: 1 << 30, firmware: .init(kind: .uefi),
    disks: DiskInventory(disks: [
      Disk(id: "ata-DISK1", node: "/dev/sda", size: 500 << 30, bus: .sata, serial: "SN1")
    ]))
}

/// An agent with real keys.
struct Agent {
  let key: SigningPrivateKey
  let node: SigningPrivateKey
  let identity = AgeIdentity()
  var session: SessionIdentifier?
  var counter: UInt64 = 0

  init() throws {
    key = try SigningPrivateKey()
    node = try SigningPrivateKey()
  }

  /// Begins and says hello.
  /// - Returns: the code that its screen shows.
  mutating func claim(_ registry: Registry, nonce: String?, inventory: MachineInventory = Registry.inventory)
    async throws -> ShortCode
  {
    let bootNonce = try BootNonce(nonce ?? "")
    let promise = try await registry.fleet.begin(
      BeginRequest(bootNonce: bootNonce), applianceKey: registry.applianceKey.publicKey)
    session = promise.session
    counter = 0
    let hello = HelloRequest(
      session: promise.session, bootNonce: bootNonce, agentKey: key.publicKey, recipient: identity.recipient,
      agentNonce: ClaimNonce(), inventory: inventory)
    let answer = try await registry.fleet.hello(
      hello, signed: try signed(AgentPath.hello), applianceKey: registry.applianceKey.publicKey)
    try promise.commitment.check(applianceKey: registry.applianceKey.publicKey, serverNonce: answer.serverNonce)
    return ShortCode(
      applianceKey: registry.applianceKey.publicKey, serverNonce: answer.serverNonce, agentKey: key.publicKey,
      recipient: identity.recipient, agentNonce: hello.agentNonce, bootNonce: bootNonce)
  }

  mutating func signed(_ path: String) throws -> SignedRequest {
    counter += 1
    return try SignedRequest.sign(
      method: "POST", path: path, body: [], session: session ?? SessionIdentifier(), counter: counter, key: key)
  }

  mutating func task(_ registry: Registry) async throws -> AgentTask {
    try await registry.fleet.task(signed: signed(AgentPath.task), source: Registry.source)
  }

  mutating func installed(
    _ registry: Registry, task: String, disks: [InstalledDisk] = [], closure: String = Registry.closure,
    flake: String? = nil, before: [VolumeFingerprint]? = nil,
    after: [VolumeFingerprint]? = nil
  ) async throws {
    try await registry.fleet.installed(
      InstalledReport(
        task: task, nodeKey: node.publicKey, nodeRecipient: identity.recipient, disks: disks, closure: closure,
        flake: flake, before: before, after: after),
      signed: signed(AgentPath.installed))
  }

  mutating func saved(_ registry: Registry, _ state: SavedDiskState) async throws {
    try await registry.fleet.saved(state, signed: signed(AgentPath.saved))
  }

  mutating func failed(_ registry: Registry, error: String = "no disk") async throws {
    try await registry.fleet.failed(
      FailedReport(step: .disks, error: error, logLines: []), signed: signed(AgentPath.failed))
  }

  mutating func progress(_ registry: Registry, detail: String = "1 of 2") async throws {
    try await registry.fleet.progress(
      ProgressReport(step: .closure, fraction: 0.5, detail: detail), signed: signed(AgentPath.progress))
  }

  /// The installed node reports.
  @discardableResult
  func report(
    _ registry: Registry, name: String = "node1", counter: UInt64 = 1, by key: SigningPrivateKey? = nil,
    boot: String = "b", closure: String = Registry.closure, rollout: RolloutReport? = nil,
    secrets: [String: String]? = nil, tasks: [NodeTaskReport]? = nil, alarms: [NodeAlarm]? = nil
  ) async throws -> NodeOrders {
    let request = try SignedRequest.sign(
      method: "POST", path: AgentPath.report, body: [], session: SessionIdentifier(node: node.publicKey),
      counter: counter, key: key ?? node)
    return try await registry.fleet.report(
      NodeReport(
        machineName: name, nodeKey: node.publicKey, closure: closure, kernel: "6.1", bootIdentifier: boot, uptime: 10,
        rollout: rollout, secrets: secrets, tasks: tasks, alarms: alarms), signed: request,
      cachePublicKeys: Registry.source.cachePublicKeys)
  }
}

extension AgentTask {
  var install: InstallTask? { if case .install(let task) = self { task } else { nil } }
  var reason: String? { if case .wait(let reason, _) = self { reason } else { nil } }
  var isReboot: Bool { if case .reboot = self { true } else { false } }
}

/// What an asynchronous call refused.
func refusal(_ work: () async throws -> Void) async -> (any Error)? {
  do {
    try await work()
    return nil
  } catch {
    return error
  }
}
