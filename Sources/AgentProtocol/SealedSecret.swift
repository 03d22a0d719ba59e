import FoundationEssentials

/// A secret on its way to a running node.
public struct SealedSecret: Hashable, Sendable, Codable {
  /// Letters, digits, `.`, `_`, `-`.
  public var name: String
  /// Another one each time that the secret is stored with another value; it says nothing of the value.
  public var revision: String
  /// A binary age file for the node's recipient.
  public var sealed: Data

  public init(name: String, revision: String, sealed: Data) {
    self.name = name
    self.revision = revision
    self.sealed = sealed
  }
}
