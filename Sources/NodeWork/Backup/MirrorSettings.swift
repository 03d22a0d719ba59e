/// The design `rsync-mirror`: folders as they are, at a target that follows what is deleted here.
public struct MirrorSettings: Sendable, Hashable, Decodable {
  public var paths: [String]
  /// A run that would delete more than this at the target deletes nothing.
  public var maximumDeletions: Int
  /// Whether the plan's stacks dump their databases before.
  public var dumpFirst: Bool
}
