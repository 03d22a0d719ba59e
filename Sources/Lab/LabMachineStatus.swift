/// The part of the appliance's record of a machine that the lab looks at.
public struct LabMachineStatus: Decodable, Sendable {
  public var name: String
  /// As the state machine names it: `discovered`, `armed`, `installing`, `active`, …
  public var state: String
  /// Why it failed or is frozen.
  public var reason: String?
  /// Why its disks can not be laid out.
  public var planRefusal: String?

  /// What its agent found, or nil while none has reported.
  public var inventory: Inventory?

  public struct Inventory: Decodable, Sendable {
    public var disks: Disks

    public struct Disks: Decodable, Sendable {
      public var disks: [Disk]
    }

    public struct Disk: Decodable, Sendable {
      public var serial: String?
    }
  }

  /// What its data volumes held before and after its last rebuild.
  public var comparison: Comparison?

  public struct Comparison: Decodable, Sendable {
    public var before: [Fingerprint]
    public var after: [Fingerprint]
    public var differences: [String]

    public struct Fingerprint: Decodable, Sendable, Equatable {
      public var name: String
      public var digest: String
    }
  }

  /// The restore of its stacks' data that its last rebuild was to bring.
  public var restore: Restore?

  public struct Restore: Decodable, Sendable {
    /// Set once it is over.
    var endedAt: String?
    public var stacks: [Stack]
    public var isOpen: Bool { endedAt == nil }

    public struct Stack: Decodable, Sendable {
      public var stack: String
      public var state: String
      public var reason: String?
      public var archive: String?
      public var isVerified: Bool?
    }
  }

  struct Detail: Decodable { var machine: LabMachineStatus }
}
