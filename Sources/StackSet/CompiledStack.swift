/// One stack of a machine, ready to be laid down and started.
public struct CompiledStack: Codable, Hashable, Sendable {
  /// Its own name on this machine; of several from one template each has another.
  public var name: String
  /// The template that it was made from.
  public var template: String
  /// 10 name servers … 90 backup servers: lower ones start first.
  public var order: Int
  /// SHA-256 of ``digestInput()``, lower-case hexadecimal. It changes with anything below.
  public var digest: String
  /// The Compose file, as canonical JSON, which is YAML too.
  public var compose: String
  /// Files beside the Compose file, by their names.
  public var configurations: [String: String]
  public var volumes: [StackVolume]
  public var secrets: [StackSecret]
  /// Names of stacks of this machine that are healthy before this one starts.
  public var dependsOn: [String]
  public var backup: StackBackup
  public var routes: [StackRoute]
  public var monitors: [StackMonitor]
  /// Whether it could run in a cluster.
  public var isKubernetesCandidate: Bool

  public init(
    name: String, template: String, order: Int, compose: String, configurations: [String: String],
    volumes: [StackVolume], secrets: [StackSecret], dependsOn: [String], backup: StackBackup, routes: [StackRoute],
    monitors: [StackMonitor], isKubernetesCandidate: Bool
  ) {
    (self.name, self.template, self.order, self.digest) = (name, template, order, "")
    (self.compose, self.configurations, self.volumes, self.secrets) = (compose, configurations, volumes, secrets)
    (self.dependsOn, self.backup, self.routes, self.monitors) = (dependsOn, backup, routes, monitors)
    self.isKubernetesCandidate = isKubernetesCandidate
  }

  /// What ``digest`` is taken of: the canonical JSON of the stack without its digest.
  public func digestInput() throws -> [UInt8] {
    var stack = self
    stack.digest = ""
    return try CanonicalJSON.encode(stack)
  }
}
