import Foundation
import Lab

/// What the lab's tests run with.
///
/// `BOOTSTEAD_BINARIES` is the folder of the programs under test, `BOOTSTEAD_SOURCE` the project's, `BOOTSTEAD_VAR` the one
/// for disks, logs and artefacts: `make test` sets them. The defaults are those of a release build in the project's folder.
enum LabSetting {
  private static func variable(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }

  static var binaries: String { variable("BOOTSTEAD_BINARIES") ?? source + "/.build/release" }
  static var binary: String { binaries + "/bootstead" }
  static var agent: String { binaries + "/bootstead-agent" }
  static var folder: String { (variable("BOOTSTEAD_VAR") ?? source + "/var") + "/lab" }

  /// Of test programs that run beside each other all but one have a name, `BOOTSTEAD_LAB_PART`: what several tests of a
  /// program share is in a folder of its own then.
  static var part: String { variable("BOOTSTEAD_LAB_PART").map { "-" + $0 } ?? "" }

  /// The project's folder: this file is Tests/Lab/LabSetting.swift.
  static var source: String {
    if let source = variable("BOOTSTEAD_SOURCE") { return source }
    return URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
      .path
  }

  /// Set to 1 for every test of the lab; without it the longest ones, and those that show the same once more, are left out.
  static var isFull: Bool { variable("BOOTSTEAD_LAB_FULL") == "1" }

  /// Namespaces, taps and loop devices need root; QEMU has to be there.
  static var isPossible: Bool {
    getuid() == 0
      && ["/usr/bin/qemu-system-x86_64", "/usr/sbin/dnsmasq", "/usr/share/OVMF/OVMF_CODE_4M.fd"].allSatisfy {
        FileManager.default.fileExists(atPath: $0)
      }
  }

  /// How often the tests that repeat themselves do so: `SOAK_ROUNDS`, as `make soak` sets it; 0 leaves them out.
  static var soakRounds: Int { variable("SOAK_ROUNDS").flatMap { Int($0) } ?? 0 }

  /// What is cut off in a soak: `SOAK_KINDS`, `install rebuild` unless one of them is named, so that two can run beside
  /// each other.
  static var soakKinds: [String] {
    (variable("SOAK_KINDS") ?? "install rebuild").split(separator: " ").map(String.init)
  }

  /// Of everything that a test decides by chance: `BOOTSTEAD_SEED`, or another one each time. Tests print it.
  static var seed: UInt64 { variable("BOOTSTEAD_SEED").flatMap { UInt64($0) } ?? UInt64.random(in: 0..<1_000_000_000) }

  /// A lab for one test.
  /// - Parameter isNew: its folder is emptied first.
  static func lab<Result: Sendable>(
    _ name: String, serve: [String] = [], isNew: Bool = true, body: @Sendable (Lab) async throws -> Result
  ) async throws -> Result {
    let artifacts = try await LabArtifacts.make(source: source, agent: agent, folder: folder + "/artifacts")
    let own = folder + "/" + name
    if isNew { try empty(own) }
    return try await Lab.with(
      binary: binary, artifacts: artifacts, folder: own, serveArguments: serve, body: body)
  }

  static func empty(_ folder: String) throws {
    if FileManager.default.fileExists(atPath: folder) { try FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }
}
