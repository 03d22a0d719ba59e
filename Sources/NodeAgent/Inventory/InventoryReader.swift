import NodeFiles

public import AgentProtocol

/// Reads what a machine is made of from sysfs, procfs and its disks. What cannot be read is left out.
public struct InventoryReader: Sendable {
  let root: FileSystemEntry
  let ignoredDisks: [String]

  /// Block devices that are no disks of the machine, by the start of their names.
  public static let notDisks = ["loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd", "zd", "mtdblock"]

  /// - Parameter root: where `/sys`, `/proc` and `/dev` are; tests lay a recorded tree there.
  public init(root: String = "/", ignoring: [String] = InventoryReader.notDisks) {
    self.root = FileSystemEntry(root)
    ignoredDisks = ignoring
  }

  public func read() -> MachineInventory {
    MachineInventory(
      processor: processor(), memoryBytes: memory(), firmware: firmware(), tpmVersion: tpmVersion(),
      product: product(), interfaces: interfaces(), disks: disks(),
      buildsSystems: entry(FlakeInstall.program).exists ? true : nil)
  }

  func entry(_ path: String) -> FileSystemEntry { root.appending(path) }
}
