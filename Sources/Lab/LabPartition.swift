import Foundation

/// A partition on a raw disk of a machine that is switched off.
public struct LabPartition: Sendable {
  /// The disk's file.
  public var path: String
  /// Bytes from the start of the disk.
  public var start: UInt64
  /// Bytes.
  public var size: UInt64

  /// The partition with this GPT name, such as `bootstead-system`.
  /// - Throws: ``LabError`` where the disk has none.
  public static func named(_ name: String, on disk: LabDisk) async throws -> LabPartition {
    struct Dump: Decodable {
      struct Table: Decodable { var partitions: [Partition] }
      struct Partition: Decodable {
        var name: String?
        var start: UInt64
        var size: UInt64
      }
      var partitiontable: Table
    }
    let output = try await LabTool.run("sfdisk", ["--json", disk.path])
    guard let dump = try? JSONDecoder().decode(Dump.self, from: Data(output.utf8)),
      let partition = dump.partitiontable.partitions.first(where: { $0.name == name })
    else { throw LabError.unexpectedAnswer(command: "sfdisk --json \(disk.path)", output: output) }
    return LabPartition(path: disk.path, start: partition.start * 512, size: partition.size * 512)
  }

  /// The UUID of the file system in it.
  public func fileSystemUUID() async throws -> String {
    try await LabTool.run(
      "blkid", ["--probe", "--offset", "\(start)", "--output", "value", "--match-tag", "UUID", path]
    )
    .trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
