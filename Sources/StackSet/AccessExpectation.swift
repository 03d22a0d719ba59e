/// How the routes' names are meant to be reached; what `access test` measures the network by.
public struct AccessExpectation: Codable, Hashable, Sendable {
  /// Who signs the names' certificates.
  public enum Signer: String, Codable, Hashable, Sendable {
    /// The reverse proxy's own authority.
    case authority = "internal"
    case acme
  }

  /// Where names lead to: the reverse proxy, as the house reaches it.
  public var address: String?
  /// What the house's devices ask for names; empty: not known.
  public var nameServers: [String]
  public var signer: Signer

  public init(address: String?, nameServers: [String], signer: Signer) {
    (self.address, self.nameServers, self.signer) = (address, nameServers, signer)
  }
}
