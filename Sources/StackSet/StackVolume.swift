/// The kinds of data that a machine has a place for each.
public enum PlacementClass: String, Codable, Hashable, Sendable, CaseIterable, CodingKeyRepresentable {
  case appdata, stacks, db, media, downloads, photos, backups, scratch
}

/// A folder that a stack keeps data in.
public struct StackVolume: Codable, Hashable, Sendable {
  /// The volume's name in the Compose file.
  public var name: String
  public var `class`: PlacementClass
  /// The absolute path of the folder on the machine.
  public var path: String
  /// As seen on the machine, after remapping.
  public var owner: StackOwner
  /// Whether other stacks use the same folder. Its owner is set when it is made, and not after.
  public var isShared: Bool
  public var isBackedUp: Bool
  /// Bytes: the machine's setting, or the template's wish.
  public var size: UInt64?
  /// True where the setting named it. It then limits a ZFS data set too; a template's wish is that of a thin volume,
  /// which takes no more than what is written.
  public var isSizeSet: Bool?

  public init(
    name: String, class: PlacementClass, path: String, owner: StackOwner, isShared: Bool, isBackedUp: Bool,
    size: UInt64?, isSizeSet: Bool? = nil
  ) {
    (self.name, self.class, self.path, self.owner) = (name, `class`, path, owner)
    (self.isShared, self.isBackedUp, self.size, self.isSizeSet) = (isShared, isBackedUp, size, isSizeSet)
  }
}

/// A user and a group, by number.
public struct StackOwner: Codable, Hashable, Sendable {
  public var user: Int
  public var group: Int

  public init(user: Int, group: Int) { (self.user, self.group) = (user, group) }

  public static let root = StackOwner(user: 0, group: 0)
}
