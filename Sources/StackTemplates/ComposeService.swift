/// One service of a Compose file, as far as rules and the compiler look into it.
public struct ComposeService: Sendable {
  public struct Variable: Sendable {
    public var name: String
    /// Nil: taken from the environment of Compose.
    public var value: String?
    public var line: Int
  }

  public struct Mount: Sendable {
    public enum Kind: Sendable { case volume, bind, anonymous, temporary }
    public var kind: Kind
    /// A volume's name or a path of the machine.
    public var source: String
    public var target: String
    public var isReadOnly: Bool
    public var line: Int
    /// As it was written in the long form, without its source.
    public var long: ComposeNode?
  }

  public struct Port: Sendable {
    /// As it was written, before the container's port; nil: none given.
    public var published: String?
    public var target: String
    public var transport: String
    public var line: Int
  }

  public struct Dependency: Sendable {
    public var service: String
    public var condition: String
    public var line: Int
  }

  public var name: String
  public var line: Int
  public var node: ComposeNode
  public var image: LinedText?
  public var environment: [Variable] = []
  public var mounts: [Mount] = []
  public var ports: [Port] = []
  public var networks: [LinedText] = []
  public var secrets: [LinedText] = []
  public var configs: [LinedText] = []
  public var dependsOn: [Dependency] = []
  public var capabilities: [LinedText] = []
  public var devices: [LinedText] = []

  public var networkMode: LinedText? { text("network_mode") }
  public var user: LinedText? { text("user") }
  public var restart: LinedText? { text("restart") }
  public var isPrivileged: Bool { node["privileged"]?.boolean == true }
  public var usesHostNetwork: Bool { networkMode?.text == "host" }

  /// The service whose network this one is on.
  public var networkOwner: String? {
    guard let mode = networkMode?.text, mode.hasPrefix("service:") else { return nil }
    return String(mode.dropFirst("service:".count))
  }

  private func text(_ key: String) -> LinedText? {
    node[key].flatMap { value in value.scalarText.map { LinedText($0, value.line) } }
  }
}
