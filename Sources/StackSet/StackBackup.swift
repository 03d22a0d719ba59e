/// How a stack's data is copied so that a restore works.
public struct StackBackup: Codable, Hashable, Sendable {
  public enum Quiesce: String, Codable, Hashable, Sendable {
    /// Databases are dumped by their own tools; the stack goes on.
    case dump
    /// The stack is stopped while the snapshot is made.
    case stop
    /// Its containers are frozen while the snapshot is made.
    case pause
    /// There is nothing to lose.
    case none
  }

  public var quiesce: Quiesce
  public var dump: [Dump]
  public var restore: [Restore]
  public var verify: [Verification]
  /// Patterns of paths, each beginning with a volume's name.
  public var exclude: [String]

  public init(
    quiesce: Quiesce = .none, dump: [Dump] = [], restore: [Restore] = [], verify: [Verification] = [],
    exclude: [String] = []
  ) {
    (self.quiesce, self.dump, self.restore) = (quiesce, dump, restore)
    (self.verify, self.exclude) = (verify, exclude)
  }

  /// A command in a service's container whose standard output is the file ``output``.
  public struct Dump: Codable, Hashable, Sendable {
    public var service: String
    public var command: [String]
    public var output: String

    public init(service: String, command: [String], output: String) {
      (self.service, self.command, self.output) = (service, command, output)
    }
  }

  /// A command in a service's container whose standard input is the file ``input``.
  public struct Restore: Codable, Hashable, Sendable {
    public var service: String
    public var command: [String]
    public var input: String

    public init(service: String, command: [String], input: String) {
      (self.service, self.command, self.input) = (service, command, input)
    }
  }

  /// A command in a service's container that succeeds when the restored data is good.
  public struct Verification: Codable, Hashable, Sendable {
    public var service: String
    public var command: [String]
    /// Text that has to be in the output; nil: the exit status 0 is enough.
    public var expect: String?

    public init(service: String, command: [String], expect: String?) {
      (self.service, self.command, self.expect) = (service, command, expect)
    }
  }
}
