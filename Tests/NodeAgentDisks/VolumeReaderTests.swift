import AgentProtocol
import Foundation
import NodeAgent
import NodeFiles
import Testing

@Suite("Fingerprints")
struct VolumeReaderTests {
  @Test(
    "A sample has both ends and pieces in rising order, all within the volume",
    arguments: [0, 1, 4096, 5 << 20, 24 << 20, (24 << 20) + 1, (25 << 20) - 512, 4 << 30, 1 << 44, 1 << 60] as [UInt64])
  func places(_ size: UInt64) {
    let places = VolumeReader.places(size: size, depth: .sampled)
    #expect(places == VolumeReader.places(size: size, depth: .sampled))
    #expect(places.first?.lowerBound == (size == 0 ? nil : 0) && places.last?.upperBound == (size == 0 ? nil : size))
    for (left, right) in zip(places, places.dropFirst()) { #expect(left.upperBound <= right.lowerBound) }
    #expect(places.reduce(0) { $0 + UInt64($1.count) } <= 32 << 20)
    #expect(VolumeReader.places(size: size, depth: .full) == (size == 0 ? [] : [0..<size]))
  }

  @Test("The digest changes with what is read, and only with that")
  func digest() async throws {
    let path = NSTemporaryDirectory() + "bootstead-volume-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let size: UInt64 = 64 << 20
    #expect(FileManager.default.createFile(atPath: path, contents: nil))
    let file = try #require(FileHandle(forUpdatingAtPath: path))
    try file.truncate(atOffset: size)
    let reader = VolumeReader()
    let empty = try await reader.digest(ofDevice: path, size: size, depth: .sampled)
    let full = try await reader.digest(ofDevice: path, size: size, depth: .full)
    #expect(empty.utf8.count == 64)
    #expect(try await reader.isZero(device: path, size: size))
    try file.seek(toOffset: size - 1)
    try file.write(contentsOf: Data([1]))
    #expect(try await reader.digest(ofDevice: path, size: size, depth: .sampled) != empty)
    #expect(try await reader.digest(ofDevice: path, size: size, depth: .full) != full)
    #expect(try await !reader.isZero(device: path, size: size))
    await #expect(throws: FileError.self) {
      _ = try await reader.digest(ofDevice: path, size: size + 1, depth: .sampled)
    }
  }
}
