import Foundation
import Lab
import Testing

@Suite("A lab disk with a write cache")
struct DiskServerTests {
  private func withDisk(_ body: (LabDiskServer, String) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory.path + "/bootstead-disk-test-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = folder + "/disk.raw"
    try #require(FileManager.default.createFile(atPath: path, contents: Data(count: 8 << 20)))
    let server = try await LabDiskServer.start(path: path, seed: 5)
    try await body(server, path)
    try await server.stop()
  }

  @Test("a power cut loses a part of what was not flushed, block by block, and nothing of what was")
  func powerCut() async throws {
    try await withDisk { server, _ in
      let block = LabDiskServer.blockSize
      let (flushed, forced, fresh) = (0..<50, 50..<100, 100..<200)
      for number in flushed { try write(1, number, server) }
      try server.flush()
      for number in forced { try write(2, number, server, isForced: true) }
      for number in fresh { try write(3, number, server) }
      try server.cutPower()
      // Dead machines write nothing.
      try write(9, 0, server)
      server.powerOn()
      func values(_ range: Range<Int>) throws -> [UInt8] {
        try range.map { number in
          let bytes = try server.read(at: UInt64(number * block), count: block)
          let first = try #require(bytes.first)
          #expect(bytes.allSatisfy { $0 == first }, "block \(number) is torn")
          return first
        }
      }
      #expect(try Set(values(flushed)) == [1])
      #expect(try Set(values(forced)) == [2])
      let kept = try values(fresh).filter { $0 == 3 }.count
      #expect(server.lostBlocks == fresh.count - kept)
      #expect(try Set(values(fresh)) == [0, 3])
    }
  }

  @Test("what was written in pieces is read as it was written, before and after it is flushed")
  func pieces() async throws {
    try await withDisk { server, _ in
      try server.write([UInt8](repeating: 7, count: 10_000), at: 1000, isForced: false)
      try server.write([8, 9], at: 4095, isForced: false)
      for _ in 0..<2 {
        let bytes = try server.read(at: 999, count: 10_002)
        #expect(bytes.first == 0 && bytes.last == 0 && bytes[1] == 7)
        #expect(Array(bytes[3095...3098]) == [7, 8, 9, 7])
        try server.flush()
      }
      #expect(throws: (any Error).self) { try server.read(at: 8 << 20, count: 1) }
    }
  }

  @Test("QEMU's own NBD client reads what it wrote", .enabled(if: LabSetting.isPossible, "needs qemu-utils"))
  func client() async throws {
    try await withDisk { server, path in
      try await LabTool.run(
        "qemu-io",
        [
          "-f", "raw", server.url, "-c", "write -P 7 512 1M", "-c", "write -f -P 8 3M 4k", "-c", "flush", "-c",
          "read -P 7 512 1M", "-c", "read -P 8 3M 4k",
        ])
      let image = try #require(FileManager.default.contents(atPath: path))
      #expect(image[512] == 7 && image[511 + (1 << 20)] == 7 && image[3 << 20] == 8)
    }
  }

  private func write(_ value: UInt8, _ block: Int, _ server: LabDiskServer, isForced: Bool = false) throws {
    let size = LabDiskServer.blockSize
    try server.write([UInt8](repeating: value, count: size), at: UInt64(block * size), isForced: isForced)
  }
}
