/// For whom a plan is made. All identifiers in the plan derive from it, so that the same plan comes out each time.
public struct LayoutIdentity: Codable, Sendable, Hashable {
  /// The machine's name, for tags.
  public var machineName: String
  /// The machine's lasting identifier: partitions and data volumes derive theirs from it, so that a rebuild
  /// recognises its own disk.
  public var machineID: String
  /// This install: the system's file systems derive their identifiers from it, so that an install that goes on after a
  /// power cut keeps them, and a new one makes them anew.
  public var installID: String

  public init(machineName: String, machineID: String, installID: String) {
    self.machineName = machineName
    self.machineID = machineID
    self.installID = installID
  }
}
