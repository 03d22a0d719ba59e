import AgentProtocol
import Glibc
import NodeFiles

/// Looks at a running machine without changing anything.
public struct TakeoverInspector: Sendable {
  let root: String
  let userID: UInt32

  /// - Parameter root: where `/sys`, `/proc` and `/etc` are; tests lay a recorded tree there.
  public init(root: String = "/", userID: UInt32 = getuid()) {
    self.root = root
    self.userID = userID
  }

  public func inspect() -> TakeoverInspection {
    let entry = FileSystemEntry(root)
    let inventory = InventoryReader(root: root).read()
    let obstacles = TakeoverObstacles(root: entry)
    return TakeoverInspection(
      inventory: inventory, system: RunningSystemReader(root: entry).read(warnings: obstacles.warnings(inventory)),
      obstacles: obstacles.find(inventory: inventory, userID: userID))
  }
}
