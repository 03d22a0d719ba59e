import DiskLayout
import Foundation
import NodeAgent
import Testing

@Suite("LVM metadata read from a physical volume")
struct VolumeGroupMetadataTests {
  /// The start of a physical volume that the executor made in a virtual machine (LVM 2.03.16), its current text only.
  static let recorded: [UInt8] = {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Recorded/lvm-group-data.hex")
    var bytes = [UInt8](repeating: 0, count: 65536)
    for line in ((try? String(contentsOf: file, encoding: .utf8)) ?? "").split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard fields.count == 2, let offset = Int(fields[0], radix: 16) else { continue }
      let digits = Array(fields[1].utf8)
      for index in 0..<digits.count / 2 {
        let pair = String(decoding: digits[index * 2..<index * 2 + 2], as: UTF8.self)
        bytes[offset + index] = UInt8(pair, radix: 16) ?? 0
      }
    }
    return bytes
  }()

  private func read(_ bytes: [UInt8]) -> VolumeGroupRecord? {
    VolumeGroupMetadata.read { position, count in
      guard let start = Int(exactly: position), start <= bytes.count, count <= bytes.count - start else { return nil }
      return Array(bytes[start..<start + count])
    }
  }

  @Test("A recorded group gives its name, UUID, tags, pool and volumes")
  func group() throws {
    let group = try #require(read(Self.recorded))
    #expect(group.name == "data" && group.uuid == "ROXdVD-sFdD-ZpQ8-KJ6k-n3BC-cNoU-PYGZk0")
    #expect(group.tags == ["bootstead", "bootstead.machine=node1"])
    #expect(group.volumes.filter(\.isVisible).map(\.name) == ["pool", "photos", "bulk-x"])
    #expect(group.volumes.filter { !$0.isVisible }.map(\.name) == ["lvol0_pmspare", "pool_tmeta", "pool_tdata"])
    let photos = try #require(group.volumes.first { $0.name == "photos" })
    #expect(photos.segmentType == "thin" && photos.pool == "pool" && photos.tags == ["bootstead.formatted"])
    #expect(group.volumes.first { $0.name == "pool" }?.segmentType == "thin-pool")
    #expect(group.found.logicalVolumes == ["pool", "photos", "bulk-x"])
  }

  /// The recorded volume with its text at another place of the ring.
  private func moved(to offset: UInt64) -> [UInt8] {
    var bytes = Self.recorded
    let number = { (position: Int) in
      bytes[position..<position + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    }
    let (old, length) = (Int(number(4096 + 40)), Int(number(4096 + 48)))
    let text = Array(bytes[4096 + old..<4096 + old + length])
    bytes.replaceSubrange(4608..<65536, with: [UInt8](repeating: 0, count: 65536 - 4608))
    // The area of the record, cut down to what is there.
    let size = UInt64(65536 - 4096)
    for (position, value) in [(0x270, size), (4096 + 32, size), (4096 + 40, offset)] {
      for index in 0..<8 { bytes[position + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index)) }
    }
    for (index, byte) in text.enumerated() {
      var position = Int(offset) + index
      if position >= Int(size) { position -= Int(size) - 512 }
      bytes[4096 + position] = byte
    }
    return bytes
  }

  @Test("Text that runs over the end of the ring is put together", arguments: [512, 20000, 60000, 61000] as [UInt64])
  func ring(_ offset: UInt64) {
    #expect(read(moved(to: offset)) == read(Self.recorded))
  }

  @Test("Damaged volumes give a group or none, and never more than that")
  func damaged() {
    var state: UInt64 = 1
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    var groups = 0
    for round in 0..<1500 {
      var bytes = Self.recorded
      let places = [512 + random(256), 4096 + random(96), 4096 + random(12000)]
      for place in places.prefix(1 + random(3)) { bytes[place] = UInt8(random(256)) }
      if round % 5 == 0 { bytes.removeLast(random(bytes.count)) }
      if read(bytes) != nil { groups += 1 }
    }
    #expect(groups > 0 && groups < 1500)
  }

  @Test(
    "Texts that are no group's are none",
    arguments: [
      "", "}", "{", "data {", "data { id = }", "data { id = \"x\"", "\"", "#", "data { tags = [ \"a\", ",
      "{ id = \"x\" }",
      String(repeating: "a { ", count: 5000),
    ])
  func texts(_ text: String) {
    let group = VolumeGroupMetadata.parse(Array(text.utf8))
    #expect(group == nil || group?.uuid == "x")
  }

  @Test("Quotes and comments are read as LVM writes them")
  func quotes() {
    let text = #"vg { id = "a\"b" # id = "c"\#ntags = ["x}", "y\\"] }"#
    #expect(
      VolumeGroupMetadata.parse(Array(text.replacing(#"\#n"#, with: "\n").utf8))
        == VolumeGroupRecord(name: "vg", uuid: "a\"b", tags: ["x}", "y\\"]))
  }
}
