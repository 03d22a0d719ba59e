/// All that one machine runs in containers, compiled from its stacks' templates and its settings. The node's agent
/// carries it out; nothing in it is a secret.
public struct StackSet: Codable, Hashable, Sendable {
  /// The version of this form.
  public var schema = 1
  /// The machine's name.
  public var machine: String
  public var engine: ContainerEngine
  /// Where Compose files are laid down: `DIRECTORY/STACK/compose.yaml`.
  public var directory: String
  /// Networks that several stacks share; they exist before the first stack starts.
  public var networks: [String]
  /// In the order in which they start.
  public var stacks: [CompiledStack]
  public var routes: [StackRoute]
  /// What the house's name server answers for the routes' names.
  public var names: [NameRewrite]
  public var hub: HubConfiguration
  public var monitors: [StackMonitor]
  /// How names are meant to be reached.
  public var access: AccessExpectation?

  public init(
    machine: String, engine: ContainerEngine, directory: String, networks: [String], stacks: [CompiledStack],
    routes: [StackRoute], names: [NameRewrite], hub: HubConfiguration, monitors: [StackMonitor],
    access: AccessExpectation? = nil
  ) {
    (self.machine, self.engine, self.directory, self.networks) = (machine, engine, directory, networks)
    (self.stacks, self.routes, self.names, self.hub, self.monitors) = (stacks, routes, names, hub, monitors)
    self.access = access
  }

  public static let schema = 1
}

/// The program that runs containers.
public enum ContainerEngine: String, Codable, Hashable, Sendable, CaseIterable { case docker, podman }

/// A name and the address that it leads to.
public struct NameRewrite: Codable, Hashable, Sendable {
  public var name: String
  public var address: String

  public init(name: String, address: String) { (self.name, self.address) = (name, address) }
}
