import AgentProtocol
import FoundationEssentials
import Glibc
import NodeFiles

/// The sealed secrets that a node keeps: what its install brought, and what the appliance has sent since.
public struct NodeSecrets: Sendable {
  /// On the node; each secret as `NAME.age` in it, mode 0600.
  public static let folder = "/var/lib/bootstead/secrets"
  /// Which revision of each secret lies there, as JSON.
  static let revisionsPath = "/var/lib/bootstead/secrets.json"

  let root: String

  /// - Parameter root: before every path.
  public init(root: String = "") { self.root = root }

  /// The names of all secrets that are there, with their revisions; an empty one for what an install brought.
  public var held: [String: String] {
    let revisions = revisions
    let files = FileSystemEntry(root + Self.folder).children.filter { $0.hasSuffix(".age") && HandOff.isSafe($0) }
    let names = files.map { String($0.dropLast(".age".count)) }
    return Dictionary(names.map { ($0, revisions[$0] ?? "") }, uniquingKeysWith: { first, _ in first })
  }

  /// A damaged file counts as none: the appliance sends all secrets again.
  private var revisions: [String: String] {
    guard let bytes = FileSystemEntry(root + Self.revisionsPath).bytes(limit: 1 << 20) else { return [:] }
    return (try? MessageCoder.decode([String: String].self, from: bytes)) ?? [:]
  }

  /// Lays down what the appliance sent, and deletes what it took back. Safe to run again.
  /// - Returns: the names of what is another than before.
  /// - Throws: ``HandOffError`` for a name that is not safe and a secret that this node can not open: then nothing is
  ///   changed; ``FileError``.
  public func take(_ secrets: [SealedSecret], obsolete: [String]) throws -> Set<String> {
    let names = secrets.map(\.name) + obsolete
    for name in names where !HandOff.isSafe(name) { throw HandOffError.unsafeSecretName(name) }
    let identity = try identity()
    for secret in secrets {
      do { _ = try AgeFile.open(Array(secret.sealed), with: identity) } catch {
        throw HandOffError.unreadableSecret(secret.name, error)
      }
    }
    var revisions = revisions
    try WholeFile.makeFolder(root + Self.folder)
    for secret in secrets {
      try WholeFile.write(Array(secret.sealed), to: path(secret.name))
      revisions[secret.name] = secret.revision
    }
    for name in obsolete {
      guard unlink(path(name)) == 0 || errno == ENOENT else { throw FileError("delete", path(name), error: errno) }
      revisions[name] = nil
    }
    // After the files: a power cut in between has them sent once more.
    try WholeFile.write(MessageCoder.encode(revisions), to: root + Self.revisionsPath)
    return Set(names)
  }

  /// - Throws: ``NodeSecretError/missing(_:)`` where the node has no such secret, ``NodeReportError``, ``AgeError``.
  func open(_ name: String) throws -> [UInt8] {
    guard let sealed = FileSystemEntry(path(name)).bytes(limit: 4 << 20) else {
      throw NodeSecretError.missing([name])
    }
    return try AgeFile.open(sealed, with: identity())
  }

  private func path(_ name: String) -> String { "\(root)\(Self.folder)/\(name).age" }

  private func identity() throws -> AgeIdentity {
    guard let text = FileSystemEntry(root + NodeConfiguration.identityPath).line else {
      throw NodeReportError.missing(NodeConfiguration.identityPath)
    }
    return try AgeIdentity(secretText: text)
  }
}
