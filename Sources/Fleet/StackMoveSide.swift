/// A stack as it is compiled for one machine: the part that a move has to know.
public struct StackMoveSide: Sendable {
  public struct Volume: Sendable {
    public var name: String
    public var path: String
    public var isBackedUp: Bool

    public init(name: String, path: String, isBackedUp: Bool) {
      (self.name, self.path, self.isBackedUp) = (name, path, isBackedUp)
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
