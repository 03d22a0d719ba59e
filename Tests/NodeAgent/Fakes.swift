import ProgramRunner
import AgentProtocol
import DiskLayout
import Foundation
import NetworkAddress
import NodeAgent
import Synchronization

/// Runs nothing: notes each command and answers as the test wants.
final class FakeRunner: CommandRunner {
  private let commands = Mutex<[Command]>([])
  private let answer: @Sendable (Command) throws(CommandFailure) -> CommandOutput

  init(answer: @escaping @Sendable (Command) throws(CommandFailure) -> CommandOutput = { _ in CommandOutput() }) {
    self.answer = answer
  }

  var lines: [String] { commands.withLock { $0.map(\.description) } }

  func run(_ command: Command) async throws(CommandFailure) -> CommandOutput {
    commands.withLock { $0.append(command) }
    return try answer(command)
  }
}

/// Lays out nothing: the target is a plain folder.
final class FakeDisks: DiskPreparation {
  struct Broken: Error, CustomStringConvertible { var description = "the disk said no" }

  let target: String
  private let failures: Mutex<Int>
  private let releases = Mutex(0)
  private let preparations = Mutex(0)
  var prepared: Int { preparations.withLock { $0 } }
  var released: Int { releases.withLock { $0 } }

  init(target: String, failures: Int = 0) {
    self.target = target
    self.failures = Mutex(failures)
  }

  func prepare(
    _ plan: LayoutPlan, report: @escaping @Sendable (DiskProgress) async -> Void
  ) async throws -> MountedLayout {
    preparations.withLock { $0 += 1 }
    await report(DiskProgress(step: 1, of: 2, text: "partition table", state: .finished))
    let fails = failures.withLock { left in
      defer { left = max(0, left - 1) }
      return left > 0
    }
    if fails { throw Broken() }
    return MountedLayout(target: target, diskNode: "/dev/vda", volumeGroupUUID: "group-uuid")
  }

  func release(_ plan: LayoutPlan) async throws { releases.withLock { $0 += 1 } }
}

/// Keeps data that it makes up.
final class FakeData: DataKeeping {
  static let prints = [
    VolumeFingerprint(name: "photos", uuid: "u", size: 1, depth: .sampled, digest: "00")
  ]

  let refusal: RebuildRefusal?
  /// What was called, in order; disks that are prepared are told by ``FakeDisks``.
  let calls = Mutex<[String]>([])

  init(refusal: RebuildRefusal? = nil) { self.refusal = refusal }

  func prepare(
    _ task: InstallTask, _ rebuild: RebuildTask, say: @escaping @Sendable (String) -> Void,
    save: @Sendable (SavedDiskState) async throws -> Void
  ) async throws -> [VolumeFingerprint] {
    calls.withLock { $0.append("prepare") }
    if let refusal { throw refusal }
    try await save(
      SavedDiskState(task: task.identifier, partitionTables: [:], volumeGroups: [:], fingerprints: Self.prints))
    return Self.prints
  }

  func fingerprints(
    _ task: InstallTask, _ rebuild: RebuildTask, say: @escaping @Sendable (String) -> Void
  ) async throws -> [VolumeFingerprint] {
    calls.withLock { $0.append("fingerprints") }
    return Self.prints
  }
}

/// Erases nothing.
struct FakeWiper: DiskWiping {
  var refusal: WipeRefusal?

  func wipe(_ task: WipeTask, say: @escaping @Sendable (String) -> Void) async throws -> [String: String] {
    if let refusal { throw refusal }
    return Dictionary(uniqueKeysWithValues: task.disks.map { ($0.identifier, "discard") })
  }
}

/// Copies nothing.
struct FakeCopy: SystemCopy {
  func copy(
    _ task: InstallTask, target: String, report: @escaping @Sendable (Double, String) -> Void
  ) async throws {
    report(0.5, "half")
    report(1, "all")
  }
}

/// Builds nothing.
final class FakeBuild: SystemBuild {
  struct Broken: Error, CustomStringConvertible { var description: String }

  static let closure = "/nix/store/1123456789abcdfghijklmnpqrsvwxyz-nixos-system-node1"

  let calls = Mutex<[String]>([])
  private let failsAt: String?

  init(failsAt: String? = nil) { self.failsAt = failsAt }

  func fetch(_ flake: InstallFlake) async throws -> FetchedFlake {
    calls.withLock { $0.append("fetch \(flake.path)") }
    if failsAt == "fetch" { throw Broken(description: "no flake") }
    return try FetchedFlake()
  }

  func install(
    _ flake: FetchedFlake, of task: InstallTask, target: String, line: @escaping @Sendable (String) -> Void
  ) async throws -> String {
    calls.withLock { $0.append("install \(task.machineName) \(target)") }
    for number in 1...300 { line("building \(number)") }
    if failsAt == "install" { throw Broken(description: "no space left") }
    return Self.closure
  }
}

/// A folder that goes away with its test.
struct TemporaryFolder: ~Copyable {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "bootstead-agent-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ text: String, to name: String) throws {
    let file = URL(fileURLWithPath: path + name)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }

  /// The permission bits of a file below it, or nil.
  func mode(_ name: String) -> Int? {
    (try? FileManager.default.attributesOfItem(atPath: path + name))?[.posixPermissions] as? Int
  }
}

enum Sample {
  static let closure = "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-nixos-system-node1"

  static let inventory = MachineInventory(
    processor: MachineInventory.Processor(architecture: "x86_64", threads: 2), memoryBytes: 1 << 30,
    firmware: MachineInventory.Firmware(kind: .bios),
    disks: DiskInventory(disks: [
      Disk(id: "virtio-DISK1", node: "/dev/vda", size: 100 << 30, bus: .virtio, serial: "DISK1")
    ]))

  /// Says something new each time.
  static func changingInventory() -> @Sendable () -> MachineInventory {
    let counter = Counter()
    return {
      var changed = inventory
      changed.memoryBytes += counter.next()
      return changed
    }
  }

  static func task(secrets: [String: Data] = [:], rebuild: RebuildTask? = nil, flake: InstallFlake? = nil) throws
    -> InstallTask
  {
    InstallTask(
      identifier: "install-1", machineName: "node1",
      plan: try LayoutPlanner.plan(
        inventory: inventory.disks, spec: LayoutSpec(),
        identity: LayoutIdentity(machineName: "node1", machineID: "machine-1", installID: "install-1")),
      closure: flake == nil ? closure : nil, flake: flake,
      cachePublicKeys: ["cache:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="], sealedSecrets: secrets,
      machineConfiguration: Data(#"{"name":"node1"}"#.utf8),
      consent: ConsentRecord(trust: .codeCompared, grantedBy: "operator", grantedAt: 0), rebuild: rebuild)
  }
}

/// The lines that a console would show.
final class Screen: Sendable {
  private let shown = Mutex<[String]>([])
  var lines: [String] { shown.withLock { $0 } }
  func show(_ line: String) { shown.withLock { $0.append(line) } }
}

final class Counter: Sendable {
  private let value = Mutex<UInt64>(0)

  func next() -> UInt64 {
    value.withLock { value in
      value += 1
      return value
    }
  }
}
