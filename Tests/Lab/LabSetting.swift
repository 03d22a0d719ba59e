import Foundation
import Lab

/// What the lab's tests run with.
///
/// `BOOTSTEAD_BINARIES` is the folder of the programs under test, `BOOTSTEAD_SOURCE` the project's, `BOOTSTEAD_VAR` the one
/// for disks, logs and artefacts: `make test` sets them. The defaults are those of a release build in the project's folder.
enum LabSetting {
  private static func variable(_ name: String) -> String? { ProcessInfo.processInfo.environment[name] }

  private static var binaries: String { variable("BOOTSTEAD_BINARIES") ?? source + "/.build/release" }
  static var binary: String { binaries + "/bootstead" }
  static var agent: String { binaries + "/bootstead-agent" }
  static var folder: String { (variable("BOOTSTEAD_VAR") ?? source + "/var") + "/lab" }

  /// The project's folder: this file is Tests/Lab/LabSetting.swift.
  static var source: String {
    if let source = variable("BOOTSTEAD_SOURCE") { return source }
    return URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
      .path
  }

  /// Namespaces, taps and loop devices need root; QEMU has to be there.
  static var isPossible: Bool {
    getuid() == 0
      && ["/usr/bin/qemu-system-x86_64", "/usr/sbin/dnsmasq", "/usr/share/OVMF/OVMF_CODE_4M.fd"].allSatisfy {
        FileManager.default.fileExists(atPath: $0)
      }
  }

  /// A lab for one test, in a folder of its own that is emptied first.
  static func lab<Result: Sendable>(
    _ name: String, serve: [String] = [], body: @Sendable (Lab) async throws -> Result
  ) async throws -> Result {
    let artifacts = try await LabArtifacts.make(source: source, agent: agent, folder: folder + "/artifacts")
    let own = folder + "/" + name
    if FileManager.default.fileExists(atPath: own) { try FileManager.default.removeItem(atPath: own) }
    return try await Lab.with(
      binary: binary, artifacts: artifacts, folder: own, serveArguments: serve, body: body)
  }
}
