import Foundation
import Lab
import ProgramTestSupport

/// A real appliance in a network namespace of its own, and the command line that talks to it.
final class ApplianceProcess: Sendable {
  struct Ended: Sendable {
    var status: Int32
    var output: String
    var errors: String

    var json: Any? { try? JSONSerialization.jsonObject(with: Data(output.utf8), options: .fragmentsAllowed) }
  }

  struct NotReady: Error, CustomStringConvertible { var description: String }

  /// Where the executables are.
  static let binaries =
    ProcessInfo.processInfo.environment["BOOTSTEAD_BINARIES"] ?? FileManager.default.currentDirectoryPath
    + "/.build/release"
  static let program = binaries + "/bootstead"
  /// Namespaces and ports below 1024 need root.
  static let isPossible = geteuid() == 0 && FileManager.default.isExecutableFile(atPath: program)

  let folder: URL
  let namespace: String

  init() async throws {
    let name = "bst" + UUID().uuidString.prefix(8).lowercased()
    namespace = name
    folder = URL(fileURLWithPath: "/tmp/\(name)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for arguments in [
      ["netns", "add", name], ["-n", name, "link", "set", "lo", "up"],
      ["-n", name, "link", "add", "lan", "type", "bridge"],
      ["-n", name, "address", "add", "192.0.2.1/24", "dev", "lan"], ["-n", name, "link", "set", "lan", "up"],
    ] {
      let ended = try await ApplianceProcess.run(ApplianceProcess.ip, arguments)
      guard ended.status == 0 else {
        try? await remove()
        throw NotReady(description: "ip \(arguments): \(ended.errors)")
      }
    }
  }

  func remove() async throws {
    _ = try await ApplianceProcess.run(ApplianceProcess.ip, ["netns", "delete", namespace])
    try FileManager.default.removeItem(at: folder)
  }

  static let ip =
    ["/usr/sbin/ip", "/sbin/ip", "/usr/bin/ip"].first { FileManager.default.isExecutableFile(atPath: $0) } ?? "ip"

  func data(_ name: String = "data") -> String { folder.appendingPathComponent(name).path }
  func socket(_ name: String = "data") -> String { data(name) + "/bootstead.sock" }
  var log: String { (try? String(contentsOfFile: folder.path + "/log", encoding: .utf8)) ?? "" }

  /// Starts `serve` and waits until it answers, or has ended.
  /// - Parameter environment: `NAME=VALUE`
  func serve(_ extra: [String] = [], environment: [String] = []) async throws -> LabProcess {
    try Data().write(to: folder.appendingPathComponent("log"))
    // `ip netns exec` becomes the program, so this is the appliance's own process.
    let process = try await LabProcess.start(
      ApplianceProcess.ip,
      ["netns", "exec", namespace, "env"] + environment
        + [ApplianceProcess.program, "serve", "--interface", "lan", "--data", data()] + extra,
      logPath: folder.appendingPathComponent("log").path)
    for _ in 0..<600 {
      if try await bootstead("status").status == 0 { return process }
      guard process.ended == nil else { break }
      try await Task.sleep(for: .milliseconds(100))
    }
    await process.stop(signal: SIGKILL)
    throw NotReady(description: self.log)
  }

  /// Serves while `work` runs.
  func serving(_ extra: [String] = [], environment: [String] = [], _ work: () async throws -> Void) async throws {
    let process = try await serve(extra, environment: environment)
    do { try await work() } catch {
      await process.stop(signal: SIGKILL)
      throw error
    }
    await process.stop(patience: .seconds(30))
    guard process.ended == "exited(0)" else {
      throw NotReady(description: "the appliance ended with \(process.ended ?? "nothing") at SIGTERM: \(log)")
    }
  }

  /// Runs the command line against the appliance.
  func bootstead(_ arguments: String..., input: String = "") async throws -> Ended {
    try await ApplianceProcess.run(
      ApplianceProcess.program, arguments, input: input, environment: ["BOOTSTEAD_SOCKET": socket()])
  }

  /// Runs a second `serve`, which is expected to end by itself.
  func secondServe(_ arguments: String...) async throws -> Ended {
    try await ApplianceProcess.run(
      ApplianceProcess.ip, ["netns", "exec", namespace, ApplianceProcess.program, "serve"] + arguments)
  }

  static func run(_ program: String, _ arguments: [String], input: String = "", environment: [String: String] = [:])
    async throws -> Ended
  {
    let ended = try await TestProgram.run(program, arguments, input: Data(input.utf8), environment: environment)
    return Ended(status: ended.status, output: ended.text, errors: ended.errors)
  }
}

/// Runs `work` with an appliance's folder and namespace, and removes both.
func withAppliance(_ work: (ApplianceProcess) async throws -> Void) async throws {
  let appliance = try await ApplianceProcess()
  do { try await work(appliance) } catch {
    try? await appliance.remove()
    throw error
  }
  try await appliance.remove()
}
