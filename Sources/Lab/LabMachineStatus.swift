/// The part of the appliance's record of a machine that the lab looks at.
public struct LabMachineStatus: Decodable, Sendable {
  public var name: String
  /// As the state machine names it: `discovered`, `armed`, `installing`, `active`, …
  public var state: String
  /// Why it failed or is frozen.
  public var reason: String?
  /// Why its disks can not be laid out.
  public var planRefusal: String?

  struct Detail: Decodable { var machine: LabMachineStatus }
}
