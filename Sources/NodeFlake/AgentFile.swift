import Foundation

/// The static agent that the appliance puts into the systems of its nodes.
public struct AgentFile: Sendable {
  public let path: String
  /// SHA-256, hexadecimal.
  public let digest: String
  /// The platform that it runs on, as Nix names it.
  public let system: String

  public init(path: String, digest: String, system: String = AgentFile.ownSystem) {
    (self.path, self.digest, self.system) = (path, digest, system)
  }

  /// That of this program.
  #if arch(arm64)
    public static let ownSystem = "aarch64-linux"
  #else
    public static let ownSystem = "x86_64-linux"
  #endif

  /// Where the modules look for it in a flake.
  public var pathInFlake: String { "agent/\(system)/bootstead-agent" }
}
