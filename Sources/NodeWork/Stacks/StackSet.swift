/// What runs on a machine, as the compiler made it: in the order of their start.
public struct StackSet: Sendable, Hashable, Codable {
  public enum Engine: String, Sendable, Hashable, Codable { case docker, podman }

  public var schema: Int
  public var machine: String
  public var engine: Engine
  /// Where the Compose files lie.
  public var directory: String?
  public var stacks: [CompiledStack]

  public init(
    schema: Int = 1, machine: String, engine: Engine = .docker, directory: String? = nil, stacks: [CompiledStack]
  ) {
    self.schema = schema
    self.machine = machine
    self.engine = engine
    self.directory = directory
    self.stacks = stacks
  }

  public func stack(_ name: String) throws(NodeWorkError) -> CompiledStack {
    guard let stack = stacks.first(where: { $0.name == name }) else {
      let known = stacks.map(\.name).joined(separator: ", ")
      throw NodeWorkError(
        .unknownStack, "there is no stack “\(name)” on this machine",
        advice: known.isEmpty ? "none was applied yet" : "there are \(known)")
    }
    return stack
  }
}

public struct CompiledStack: Sendable, Hashable, Codable {
  public var name: String
  public var template: String
  public var order: Int
  /// Of all that follows: what has the same one needs no new start.
  public var digest: String
  /// A Compose file.
  public var compose: String
  /// Further files beside it, by name.
  public var configurations: [String: String]
  public var volumes: [StackVolume]
  public var secrets: [StackSecret]
  public var dependsOn: [String]
  public var backup: StackBackup

  public init(
    name: String, template: String? = nil, order: Int = 70, digest: String, compose: String,
    configurations: [String: String] = [:], volumes: [StackVolume] = [], secrets: [StackSecret] = [],
    dependsOn: [String] = [], backup: StackBackup
  ) {
    self.name = name
    self.template = template ?? name
    self.order = order
    self.digest = digest
    self.compose = compose
    self.configurations = configurations
    self.volumes = volumes
    self.secrets = secrets
    self.dependsOn = dependsOn
    self.backup = backup
  }
}

public struct StackVolume: Sendable, Hashable, Codable {
  public struct Owner: Sendable, Hashable, Codable {
    public var user: UInt32
    public var group: UInt32

    public init(user: UInt32, group: UInt32) {
      self.user = user
      self.group = group
    }
  }

  public var name: String
  /// Its placement class.
  public var `class`: String
  public var path: String
  /// As seen on the host.
  public var owner: Owner
  /// The class's own folder, used by several stacks.
  public var isShared: Bool
  public var isBackedUp: Bool
  /// As templates write it, such as `20GiB`.
  public var size: String?

  public init(
    name: String, class: String, path: String, owner: Owner, isShared: Bool = false, isBackedUp: Bool = true,
    size: String? = nil
  ) {
    self.name = name
    self.class = `class`
    self.path = path
    self.owner = owner
    self.isShared = isShared
    self.isBackedUp = isBackedUp
    self.size = size
  }
}

public struct StackSecret: Sendable, Hashable, Codable {
  public enum Delivery: String, Sendable, Hashable, Codable { case file, environment }

  public var name: String
  /// `secret:NAME`
  public var reference: String
  public var delivery: Delivery

  /// The name in the reference.
  var secretName: String { String(reference.dropFirst("secret:".count)) }

  public init(name: String, reference: String, delivery: Delivery) {
    self.name = name
    self.reference = reference
    self.delivery = delivery
  }
}

/// How a stack is brought to rest for a backup, and back to life from one.
public struct StackBackup: Sendable, Hashable, Codable {
  public enum Quiesce: String, Sendable, Hashable, Codable { case dump, stop, pause, none }

  public struct Dump: Sendable, Hashable, Codable {
    public var service: String
    public var command: [String]
    /// The file that gets its standard output.
    public var output: String

    public init(service: String, command: [String], output: String) {
      self.service = service
      self.command = command
      self.output = output
    }
  }

  public struct Restore: Sendable, Hashable, Codable {
    public var service: String
    public var command: [String]
    /// The file that is its standard input.
    public var input: String

    public init(service: String, command: [String], input: String) {
      self.service = service
      self.command = command
      self.input = input
    }
  }

  public struct Verify: Sendable, Hashable, Codable {
    public var service: String
    public var command: [String]
    /// What must be in its output.
    public var expect: String?

    public init(service: String, command: [String], expect: String? = nil) {
      self.service = service
      self.command = command
      self.expect = expect
    }
  }

  public var quiesce: Quiesce
  public var dump: [Dump]
  public var restore: [Restore]
  public var verify: [Verify]
  /// Patterns below the stack's volumes: `VOLUME/…`.
  public var exclude: [String]

  public init(
    quiesce: Quiesce, dump: [Dump] = [], restore: [Restore] = [], verify: [Verify] = [], exclude: [String] = []
  ) {
    self.quiesce = quiesce
    self.dump = dump
    self.restore = restore
    self.verify = verify
    self.exclude = exclude
  }
}
