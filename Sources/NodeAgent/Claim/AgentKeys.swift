import AgentProtocol
import FoundationEssentials
import NodeFiles

/// The keys that the agent makes on the machine itself. Until the hand-off they live in memory-backed files only.
public struct AgentKeys: Sendable {
  /// In the installer, a tmpfs: an agent that is started again after a crash is still the same claimant.
  public static let path = "/run/bootstead/agent.keys"

  /// Signs the requests of the install.
  public let agent: SigningPrivateKey
  /// Will sign the reports of the installed node.
  public let node: SigningPrivateKey
  /// Opens the secrets of the node.
  public let identity: AgeIdentity

  /// New keys.
  public init() throws(SignatureError) {
    agent = try SigningPrivateKey()
    node = try SigningPrivateKey()
    identity = AgeIdentity()
  }

  /// The keys in the file, or new ones that are written to it. A file that can not be read is replaced.
  public static func loadOrMake(at path: String = AgentKeys.path) throws -> AgentKeys {
    if let text = FileSystemEntry(path).text(limit: 4096), let keys = AgentKeys(text: text) { return keys }
    let keys = try AgentKeys()
    if let slash = path.lastIndex(of: "/") { try WholeFile.makeFolder(String(path[..<slash]), mode: 0o755) }
    try WholeFile.write(Array(keys.text.utf8), to: path)
    return keys
  }

  private init?(text: String) {
    let lines = text.split(separator: "\n").map(String.init)
    guard lines.count == 3, let agentBytes = Data(base64Encoded: lines[0]),
      let nodeBytes = Data(base64Encoded: lines[1]),
      let agent = try? SigningPrivateKey(secretBytes: agentBytes),
      let node = try? SigningPrivateKey(secretBytes: nodeBytes), let identity = try? AgeIdentity(secretText: lines[2])
    else { return nil }
    self.agent = agent
    self.node = node
    self.identity = identity
  }

  private var text: String {
    [
      Data(agent.secretBytes).base64EncodedString(), Data(node.secretBytes).base64EncodedString(), identity.secretText,
    ].joined(separator: "\n") + "\n"
  }
}
