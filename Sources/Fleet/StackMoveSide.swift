/// A stack as it is compiled for one machine: the part that a move has to know.
public struct StackMoveSide: Sendable {
  public struct Volume: Sendable {
    public var name: String
    public var path: String
    public var isBackedUp: Bool
    /// The placement class.
    public var placement: String?

    public init(name: String, path: String, isBackedUp: Bool, placement: String? = nil) {
      (self.name, self.path, self.isBackedUp, self.placement) = (name, path, isBackedUp, placement)
    }
  }

  public var volumes: [Volume]
  /// The full names that lead to it.
  public var names: [String]
  /// The appliance's names of its secrets, by those of its Compose file.
  public var secrets: [String: String]

  public init(volumes: [Volume], names: [String], secrets: [String: String]) {
    (self.volumes, self.names, self.secrets) = (volumes, names, secrets)
  }
}
