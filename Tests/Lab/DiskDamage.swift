import Foundation
import Lab

/// Damage to the disk of a machine that is switched off, where the default layout has its parts.
struct DiskDamage: Sendable {
  /// Bytes from the start of the disk: 1 MiB to the BIOS boot partition, 1 MiB of it, 1 GiB of ESP.
  static let esp: UInt64 = 2 << 20
  static let system: UInt64 = 1026 << 20

  let disk: LabDisk

  /// Overwrites a stretch with bytes that are nothing.
  func scribble(at offset: UInt64, count: Int) throws {
    var generator = SystemRandomNumberGenerator()
    let noise = (0..<65_536).map { _ in UInt8.random(in: 0...255, using: &generator) }
    try write { file in
      try file.seek(toOffset: offset)
      for _ in 0..<max(1, count / noise.count) { try file.write(contentsOf: Data(noise)) }
    }
  }

  /// Damages one block of the thin pool's metadata: the root of its account of used chunks. A repair makes it anew from
  /// the volumes' mappings, which stay whole.
  /// - Throws: ``LabError`` where the disk does not show a pool as the layout makes it.
  func damagePoolMetadata() async throws {
    let start = try await metadataStart()
    try write { file in
      // Linux, drivers/md/dm-thin-metadata.c: the superblock has data_space_map_root at byte 64, and in that, after the
      // two counts, the number of the block with the bitmap's root. Blocks have 4096 bytes.
      try file.seek(toOffset: start + 64 + 16)
      let number = try file.read(upToCount: 8) ?? Data()
      let block = number.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
      guard number.count == 8, (1..<1 << 20).contains(block) else { throw notFound("the root of a space map") }
      try file.seek(toOffset: start + block * 4096)
      try file.write(contentsOf: Data(repeating: 0xA5, count: 4096))
    }
  }

  /// Where the metadata volume of the pool begins, from the text that LVM keeps on the disk.
  private func metadataStart() async throws -> UInt64 {
    let listing = try await LabTool.run("sfdisk", ["--json", disk.path])
    struct Listing: Decodable {
      struct Table: Decodable { var partitions: [Partition] }
      struct Partition: Decodable { var start: UInt64 }
      var partitiontable: Table
    }
    let table = try JSONDecoder().decode(Listing.self, from: Data(listing.utf8)).partitiontable
    guard let data = table.partitions.last else { throw notFound("partitions") }
    let start = data.start * 512
    let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: disk.path))
    defer { try? file.close() }
    try file.seek(toOffset: start)
    let text = String(decoding: try file.read(upToCount: 1 << 20) ?? Data(), as: UTF8.self)
    // The newest text comes last until the ring is full, which an install does not reach.
    guard let volume = text.range(of: "pool_tmeta {", options: .backwards),
      let stripe = text.range(of: "\"pv0\", ", range: volume.upperBound..<text.endIndex),
      let extent = UInt64(text[stripe.upperBound...].prefix { $0.isNumber }),
      let size = text.range(of: "extent_size = "),
      let sectors = UInt64(text[size.upperBound...].prefix { $0.isNumber }),
      let first = text.range(of: "pe_start = "),
      let sector = UInt64(text[first.upperBound...].prefix { $0.isNumber })
    else { throw notFound("a thin pool's metadata") }
    return start + (sector + extent * sectors) * 512
  }

  private func write(_ body: (FileHandle) throws -> Void) throws {
    let file = try FileHandle(forUpdating: URL(fileURLWithPath: disk.path))
    defer { try? file.close() }
    try body(file)
    try file.synchronize()
  }

  private func notFound(_ what: String) -> LabError {
    .notSeen(what: "\(what) on \(disk.path)", seconds: 0, tail: "")
  }
}
