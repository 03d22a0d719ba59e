import Fleet
import Foundation
import Subprocess
import SystemPackage

/// A machine that Nix builds on, over SSH.
public struct NixBuilder: Sendable {
  /// Without a port: Debian's Nix (2.8) takes one for a part of the host's name.
  public let url: String
  public let port: UInt16?

  /// - Throws: ``FleetError/invalidValue(field:reason:)`` for what is not `ssh://[USER@]HOST[:PORT]`: Nix reads more out
  ///   of such a text.
  public init(_ text: String) throws(FleetError) {
    let form =
      /(ssh(?:-ng)?:\/\/(?:[a-z_][a-z0-9_.\-]*@)?(?:[A-Za-z0-9][A-Za-z0-9.\-]*|\[[0-9a-f:.]+\]))(?::([0-9]{1,5}))?/
    guard text.utf8.count <= 300, let match = text.wholeMatch(of: form),
      match.2 == nil || match.2.flatMap({ UInt16($0) }) ?? 0 > 0
    else {
      throw .invalidValue(
        field: "builder", reason: "'\(text.prefix(80))' is not ssh://HOST or ssh://USER@HOST")
    }
    url = String(match.1)
    port = match.2.flatMap { UInt16($0) }
  }

  /// What `ssh` is told beside what the environment says.
  func options(beside given: String?) -> String? {
    guard let port else { return given }
    return ["-p \(port)", given].compactMap { $0 }.joined(separator: " ")
  }
}

/// A system that Nix has built and copied into a folder as a binary cache.
public struct BuiltSystem: Sendable {
  /// `/nix/store/HASH-nixos-system-…`
  public var closure: String
  /// In the layout of `nix copy --to file://…`.
  public var cache: String
}

/// Runs Nix on a machine's flake.
struct NixBuild: Sendable {
  /// A folder of this build's own.
  let folder: URL
  let builder: NixBuilder?
  let environment: [String: String]

  func run(_ flake: NodeFlake, platform: String, progress: @escaping @Sendable (BuildProgress) -> Void) async throws
    -> BuiltSystem
  {
    let source = folder.appendingPathComponent("flake")
    try flake.write(to: source)
    var arguments = [
      "build", "--no-link", "--json", "--no-write-lock-file", "path:\(source.path)#\(flake.attribute)",
    ]
    // The appliance itself builds nothing then.
    if let builder { arguments += ["--builders", "\(builder.url) \(platform)", "--max-jobs", "0"] }
    let output = try await nix(arguments, of: flake.name, progress)
    struct Built: Decodable { var outputs: [String: String] }
    guard let built = try? JSONDecoder().decode([Built].self, from: Data(output.utf8)),
      let closure = built.first?.outputs["out"]
    else { throw FleetError.conflict("Nix built '\(flake.name)' and did not say what: \(output.prefix(200))") }
    let cache = folder.appendingPathComponent("cache").path
    _ = try await nix(["copy", "--to", "file://\(cache)?compression=zstd", closure], of: flake.name, progress)
    return BuiltSystem(closure: closure, cache: cache)
  }

  /// - Returns: its standard output.
  private func nix(
    _ arguments: [String], of machine: MachineName, _ progress: @escaping @Sendable (BuildProgress) -> Void
  ) async throws -> String {
    let all =
      ["--extra-experimental-features", "nix-command flakes"] + arguments + ["--log-format", "internal-json"]
    var variables: [Environment.Key: String?] = ["LC_ALL": "C.UTF-8"]
    for (name, value) in environment { variables[Environment.Key(stringLiteral: name)] = value }
    let given = environment["NIX_SSHOPTS"] ?? ProcessInfo.processInfo.environment["NIX_SSHOPTS"]
    if let options = builder?.options(beside: given) { variables["NIX_SSHOPTS"] = options }
    do {
      let result = try await Subprocess.run(
        .name("nix"), arguments: Arguments(all), environment: .inherit.updating(variables),
        input: .none, output: .string(limit: 1 << 20), error: .sequence
      ) { execution in
        var log = NixLog()
        var pending: [UInt8] = []
        for try await chunk in execution.standardError {
          pending += chunk.withUnsafeBytes { Array($0) }
          while let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
            if log.read(String(decoding: pending[..<end], as: UTF8.self)) { progress(log.progress) }
            pending.removeSubrange(...end)
          }
        }
        return log.failure
      }
      guard result.terminationStatus.isSuccess else {
        throw FleetError.build("'\(machine)' does not build, and nothing was published:\n\(result.closureResult)")
      }
      return result.standardOutput
    } catch let error as SubprocessError where error.code == .executableNotFound {
      throw FleetError.conflict(
        "there is no Nix on this appliance: apt-get install nix-bin, or build elsewhere and push with nix copy")
    }
  }
}
