import StackSet

/// Which stacks a design copies that is not bound to stacks but to folders, classes or data sets.
public struct DesignScope: Sendable, Hashable, Decodable {
  /// Placement classes.
  public var classes: [String]?
  /// Folders, with what is below them.
  public var paths: [String]?
  /// ZFS data sets, with those below them.
  public var datasets: [String]?

  /// Whether all that has to be copied of a stack is in it.
  /// - Parameter source: what a path lies on, as `findmnt` names it.
  func holds(_ stack: CompiledStack, source: (String) -> String?) -> Bool {
    let volumes = stack.volumes.filter(\.isBackedUp)
    return !volumes.isEmpty
      && volumes.allSatisfy { volume in
        if classes?.contains(volume.class.rawValue) == true { return true }
        if paths?.contains(where: { BackupRun.path(volume.path, below: $0) != nil }) == true { return true }
        guard let datasets, let found = source(volume.path) else { return false }
        return datasets.contains { found == $0 || found.hasPrefix($0 + "/") }
      }
  }
}

/// A design that is no plan of the agent: units of its own carry it out, or another machine does.
public struct OtherDesign: Sendable, Hashable, Decodable {
  /// 0: machine image, 1: data of the stacks, 2: local snapshots, 3: a copy off the house.
  public var tier: Int
  /// systemd's names, with `.service`. None where another machine fetches the copies, which this one can not see.
  public var units: [String]
  public var scope: DesignScope
}
