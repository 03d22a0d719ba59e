import DiskLayout
import Foundation

/// The inventories beside the tests, in the form in which an agent reports them, less CPU and network. Models, sizes,
/// sector sizes and partition tables are modelled on real products; serial numbers and identifiers are made up.
enum RecordedInventory {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Inventories")

  static func read(_ name: String) throws -> DiskInventory {
    let data = try Data(contentsOf: folder.appending(path: name + ".json"))
    return try JSONDecoder().decode(DiskInventory.self, from: data)
  }

  static func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".json") }
      .map { String($0.dropLast(5)) }.sorted()
  }
}

extension LayoutIdentity {
  static let node1 = LayoutIdentity(machineName: "node1", machineID: "machine-1", installID: "install-1")
}
