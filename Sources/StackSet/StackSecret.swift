/// A secret that a stack needs, by name alone.
public struct StackSecret: Codable, Hashable, Sendable {
  public enum Delivery: String, Codable, Hashable, Sendable {
    /// Mounted by Compose from ``StackSecret/path``.
    case file
    /// A variable of the Compose command's environment, for images that read no file.
    case environment
  }

  /// How a value is made where nobody gave one.
  public struct Generation: Codable, Hashable, Sendable {
    public enum Encoding: String, Codable, Hashable, Sendable { case hex, base64 }
    /// Random bytes, 16 to 1024.
    public var bytes: Int
    public var encoding: Encoding

    public init(bytes: Int, encoding: Encoding) { (self.bytes, self.encoding) = (bytes, encoding) }
  }

  /// The name that the Compose file has for it.
  public var name: String
  /// `secret:NAME`, as the appliance keeps it.
  public var reference: String
  public var delivery: Delivery
  /// Who has to be able to read the file, as seen on the machine.
  public var owner: StackOwner
  /// Nil where only the operator can know the value.
  public var generate: Generation?

  public init(name: String, reference: String, delivery: Delivery, owner: StackOwner, generate: Generation?) {
    (self.name, self.reference, self.delivery) = (name, reference, delivery)
    (self.owner, self.generate) = (owner, generate)
  }

  /// The folder that the node's secrets are in.
  public static let directory = "/run/bootstead/secrets"

  /// Where the value lies on the node.
  public var path: String { StackSecret.directory + "/" + reference.dropFirst("secret:".count) }
}
