/// The design `cold-copy`: Borg repositories on a disk that is plugged in for it.
public struct ColdCopySettings: Sendable, Hashable, Decodable {
  /// Below `/dev/disk`, by a name that stays.
  public var device: String
  /// The placement classes that are copied.
  public var classes: [String]
  public var passphraseFile: String
}
