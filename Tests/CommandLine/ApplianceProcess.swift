import Foundation

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
  func serve(_ extra: [String] = []) async throws -> Process {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: ApplianceProcess.ip)
    process.arguments =
      ["netns", "exec", namespace, ApplianceProcess.program, "serve", "--interface", "lan", "--data", data()] + extra
    try Data().write(to: folder.appendingPathComponent("log"))
    let log = try FileHandle(forWritingTo: folder.appendingPathComponent("log"))
    process.standardError = log
    process.standardOutput = log
    try process.run()
    for _ in 0..<600 {
      if try await bootstead("status").status == 0 { return process }
      guard process.isRunning else { break }
      try await Task.sleep(for: .milliseconds(100))
    }
    throw NotReady(description: self.log)
  }

  /// Serves while `work` runs.
  func serving(_ extra: [String] = [], _ work: () async throws -> Void) async throws {
    let process = try await serve(extra)
    do { try await work() } catch {
      process.terminate()
      throw error
    }
    process.terminate()
    for _ in 0..<600 where process.isRunning { try await Task.sleep(for: .milliseconds(50)) }
    guard process.isRunning else { return }
    kill(process.processIdentifier, SIGKILL)
    throw NotReady(description: "the appliance did not end at SIGTERM: \(log)")
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
    try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread {
        continuation.resume(with: Result { try runBlocking(program, arguments, input, environment) })
      }
    }
  }

  private static func runBlocking(
    _ program: String, _ arguments: [String], _ input: String, _ environment: [String: String]
  ) throws -> Ended {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("run-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    // Files, not pipes: a program that writes much shall not wait for its reader.
    let files = ["input", "output", "errors"].map { folder.appendingPathComponent($0) }
    try Data(input.utf8).write(to: files[0])
    for file in files.dropFirst() { try Data().write(to: file) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
    process.standardInput = try FileHandle(forReadingFrom: files[0])
    process.standardOutput = try FileHandle(forWritingTo: files[1])
    process.standardError = try FileHandle(forWritingTo: files[2])
    try process.run()
    process.waitUntilExit()
    return Ended(
      status: process.terminationStatus, output: try String(contentsOf: files[1], encoding: .utf8),
      errors: try String(contentsOf: files[2], encoding: .utf8))
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
