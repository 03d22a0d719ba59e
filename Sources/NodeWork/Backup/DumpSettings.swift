/// The design `db-dump`: dumps of databases in a folder of this machine.
public struct DumpSettings: Sendable, Hashable, Decodable {
  /// Below it each stack has a folder.
  public var directory: String
  /// How many dumps of each database stay.
  public var keep: Int
}
