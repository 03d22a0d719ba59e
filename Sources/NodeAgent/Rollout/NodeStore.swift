import AgentProtocol
import HTTPConnection
import NixFormats
import NodeFiles
import ProgramRunner

/// Where a node gets systems from.
public protocol SystemStore: Sendable {
  /// Brings a closure into the node's store, every signature checked, and makes it known to the node's Nix.
  func fetch(_ order: RolloutOrder) async throws
}

/// The store of the running node. Its own Nix does the work where it has one: it knows what is valid, and may write where
/// NixOS has the store mounted read-only. A node without Nix gets its paths as the installer does.
public struct NodeStore: SystemStore {
  private let root: String
  private let client: HTTPClient
  private let applianceURL: String
  private let runner: any CommandRunner
  private let say: @Sendable (String) -> Void

  /// - Parameters:
  ///   - root: before every path that is read or written.
  ///   - say: told why the copy stands still.
  public init(
    root: String = "", client: HTTPClient, applianceURL: String, runner: any CommandRunner = SubprocessRunner(),
    say: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    self.root = root
    self.client = client
    self.applianceURL = applianceURL
    self.runner = runner
    self.say = say
  }

  public func fetch(_ order: RolloutOrder) async throws {
    let closure = try StorePath(absolute: order.closure)
    let keys = try order.cachePublicKeys.map { key throws(NixFormatError) in try NixPublicKey(key) }
    let nix = "/run/current-system/sw/bin/nix-store"
    if FileSystemEntry(root + nix).exists {
      try await runner.run(Self.realise(closure, keys: order.cachePublicKeys, url: applianceURL + order.cachePath, nix))
      return
    }
    let lastSaid = LastSaid()
    let installer = ClosureInstaller(
      source: HTTPCacheSource(client: client, path: order.cachePath), trustedKeys: keys, runningSystem: root,
      limits: ClosureLimits(noteTrouble: { [say] _, reason in
        if lastSaid.isDue(every: .seconds(15)) { say("copying: \(reason); trying again, what has come is kept") }
      }))
    say("\(try await installer.registerInRunningSystem(try await installer.installStore(root: closure)))")
  }

  /// The command that has Nix substitute a closure from the appliance's cache, and from nowhere else.
  /// - Parameter program: the path of `nix-store`.
  public static func realise(_ closure: StorePath, keys: [String], url: String, _ program: String) -> Command {
    let options = [
      ("substituters", url), ("trusted-public-keys", keys.joined(separator: " ")), ("require-sigs", "true"),
      // A path that was not there an hour ago may be there now.
      ("narinfo-cache-negative-ttl", "0"), ("max-jobs", "0"), ("builders", ""),
    ]
    return Command(
      program, ["--realise", closure.description] + options.flatMap { ["--option", $0.0, $0.1] },
      timeout: .seconds(6 * 3600))
  }
}
