import AgentProtocol
import BinaryCache
import HTTPConnection
import NixFormats
import NodeFiles
import ProgramRunner

/// A flake's archive in memory, as it was signed for.
public final class FetchedFlake: Sendable {
  let file: KernelLoader.MemoryFile

  public init() throws { file = try KernelLoader.MemoryFile("bootstead-flake") }
}

/// The real build, by `nixos-install` of the NixOS installer (nixpkgs, `nixos-install.sh`).
public struct FlakeInstall: SystemBuild {
  /// Where NixOS has it.
  public static let program = "/run/current-system/sw/bin/nixos-install"

  /// Evaluating and building may take hours on a small machine; one that stands still for longer than that does not
  /// come to an end.
  static let timeout = Duration.seconds(24 * 3600)

  private let client: HTTPClient
  private let applianceURL: String
  private let runner: any CommandRunner
  private let program: String
  private let say: @Sendable (String) -> Void
  private let pause: @Sendable (Duration) async throws -> Void

  /// - Parameter say: told why the flake does not come.
  public init(
    client: HTTPClient, applianceURL: String, runner: any CommandRunner = SubprocessRunner(),
    program: String = FlakeInstall.program, say: @escaping @Sendable (String) -> Void = { _ in },
    pause: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
  ) {
    self.client = client
    self.applianceURL = applianceURL.hasSuffix("/") ? String(applianceURL.dropLast()) : applianceURL
    self.runner = runner
    self.program = program
    self.say = say
    self.pause = pause
  }

  public func fetch(_ flake: InstallFlake) async throws -> FetchedFlake {
    guard FileSystemEntry(program).exists else { throw FlakeInstallError.noNix }
    var patience = Patience(pause: pause)
    while true {
      do {
        let fetched = try FetchedFlake()
        try await CheckedDownload(client: client).fetch(
          path: flake.path, size: flake.size, digest: flake.digest, into: fetched.file)
        return fetched
      } catch CheckedDownload.Failure.notServed(let status) where status < 500 {
        throw FlakeInstallError.notServed(path: flake.path, status: status)
      } catch CheckedDownload.Failure.notServed(let status) {
        say("\(flake.path): status \(status); trying again")
      } catch CheckedDownload.Failure.changed(let found) {
        throw FlakeInstallError.changed(path: flake.path, expected: flake.digest, found: found)
      } catch HTTPClientError.cancelled {
        throw CancellationError()
      } catch let error as HTTPClientError {
        say("\(error); trying again")
      }
      try await patience.wait()
    }
  }

  public func install(
    _ flake: FetchedFlake, of task: InstallTask, target: String, line: @escaping @Sendable (String) -> Void
  ) async throws -> String {
    let work = target + "/.bootstead-flake"
    try clear(work, in: target)
    try WholeFile.makeFolder(work)
    // Archives have one folder at their top.
    try await runner.run(
      Command("tar", ["-x", "-z", "-f", flake.file.path, "-C", work, "--strip-components=1"]))
    try await runner.follow(
      Command(program, arguments(task, flake: work, target: target), timeout: Self.timeout), line: line)
    let closure = try FlakeInstall.system(in: target)
    try clear(work, in: target)
    return closure
  }

  private func arguments(_ task: InstallTask, flake: String, target: String) -> [String] {
    [
      "--root", target, "--flake", "path:\(flake)#\(task.machineName)", "--no-root-password", "--no-channel-copy",
      "--no-write-lock-file",
      // What the appliance has need not come from further away.
      "--option", "extra-substituters", applianceURL + task.cachePath,
      "--option", "extra-trusted-public-keys", task.cachePublicKeys.joined(separator: " "),
      // Nix takes a path for whole once its database says so: after a power cut too (Nix 2.25 and later).
      "--option", "fsync-store-paths", "true",
    ]
  }

  /// Removes the flake, and what `nixos-install` keeps in a folder of `mktemp`'s while it runs.
  private func clear(_ work: String, in target: String) throws {
    try FileSystem.removeTree(work)
    for name in FileSystemEntry(target).children where name.hasPrefix("tmp.") && name.utf8.count == 14 {
      try FileSystem.removeTree(target + "/" + name)
    }
  }

  /// What the new system's profile says, which is a link to a link.
  static func system(in target: String) throws(FlakeInstallError) -> String {
    let profiles = target + "/nix/var/nix/profiles/"
    guard let generation = FileSystemEntry(profiles + "system").linkTarget,
      let path = FileSystemEntry(generation.hasPrefix("/") ? target + generation : profiles + generation).linkTarget
    else { throw .noSystem("\(profiles)system leads nowhere") }
    guard let store = try? StorePath(absolute: path) else { throw .noSystem("\(path.prefix(200)) is no store path") }
    guard FileSystemEntry(target + path).existsAsLink else {
      throw .noSystem("\(path) is not in the store of \(target)")
    }
    return "\(StorePath.storeDirectory)/\(store.baseName)"
  }
}

/// Why a system was not built on the machine.
public enum FlakeInstallError: Error, Sendable, Equatable, CustomStringConvertible {
  case noNix
  case notServed(path: String, status: Int)
  case changed(path: String, expected: String, found: String)
  case noSystem(String)

  public var description: String {
    switch self {
    case .noNix:
      "this image has no nixos-install: set the NixOS installer as the machine's image, or build its system with "
        + "'bootstead build'"
    case .notServed(let path, let status): "the appliance answered \(status) for \(path): see its log"
    case .changed(let path, let expected, let found):
      "\(path) is not what the appliance signed: expected SHA-256 \(expected), found \(found); the machine's settings "
        + "changed meanwhile, or somebody changes what passes on this network. Approve the machine to try again"
    case .noSystem(let reason): "nixos-install ended well, and left no system: \(reason)"
    }
  }
}
