import AgentProtocol
import FoundationEssentials
import NodeFiles

/// Lays down on the new root what the node needs to be itself: its machine.json, its keys, its sealed secrets, and
/// where to report. Safe to run again.
public struct HandOff: Sendable {
  /// Where the new root is mounted.
  public let target: String
  public let configuration: NodeConfiguration
  public let keys: AgentKeys

  public init(target: String, configuration: NodeConfiguration, keys: AgentKeys) {
    self.target = target
    self.configuration = configuration
    self.keys = keys
  }

  /// - Throws: ``HandOffError``, ``FileError``.
  public func write(_ task: InstallTask) throws {
    for name in task.sealedSecrets.keys where !HandOff.isSafe(name) { throw HandOffError.unsafeSecretName(name) }
    let folder = target + "/var/lib/bootstead"
    try WholeFile.makeFolder(folder)
    try WholeFile.makeFolder(folder + "/secrets")
    try WholeFile.write(Array(task.machineConfiguration), to: folder + "/machine.json")
    try WholeFile.write(MessageCoder.encode(configuration), to: target + NodeConfiguration.path)
    try WholeFile.write(
      Array((Data(keys.node.secretBytes).base64EncodedString() + "\n").utf8), to: target + NodeConfiguration.keyPath)
    try WholeFile.write(Array((keys.identity.secretText + "\n").utf8), to: target + NodeConfiguration.identityPath)
    for (name, sealed) in task.sealedSecrets {
      // A secret that this machine can not open is an error now, not at the first start of the service that needs it.
      do { _ = try AgeFile.open(Array(sealed), with: keys.identity) } catch {
        throw HandOffError.unreadableSecret(name, error)
      }
      try WholeFile.write(Array(sealed), to: folder + "/secrets/\(name).age")
    }
  }

  /// Letters, digits, `.`, `_`, `-`, not beginning with a dot: a name that can not leave its folder.
  static func isSafe(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= 100 && !name.hasPrefix(".")
      && name.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
          true
        default: false
        }
      }
  }
}

/// A secret that can not be handed over.
public enum HandOffError: Error, Sendable, Equatable, CustomStringConvertible {
  case unsafeSecretName(String)
  case unreadableSecret(String, AgeError)

  public var description: String {
    switch self {
    case .unsafeSecretName(let name):
      "the secret '\(name.prefix(100))' has a name that is not allowed; use letters, digits, '.', '_' and '-'"
    case .unreadableSecret(let name, let error): "the secret '\(name)': \(error)"
    }
  }
}
