import Foundation
import Images
import Testing

@Suite("Boot images and loaders")
final class ImageTests {
  private let folder: URL
  private let store: BlobStore

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("images-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    store = try BlobStore(directory: folder.appendingPathComponent("store"))
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  private func file(_ name: String, _ bytes: [UInt8]) throws -> String {
    let path = folder.appendingPathComponent(name)
    try Data(bytes).write(to: path)
    return path.path
  }

  private func stored() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: store.directory.path) }

  @Test("a file is stored once, under the digest of its content")
  func digest() throws {
    let blob = try store.add(fileAt: file("a", Array("abc".utf8)))
    // FIPS 180-4, the example with one block.
    #expect(blob.digest == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" && blob.size == 3)
    #expect(try store.add(fileAt: file("b", Array("abc".utf8))) == blob)
    #expect(try stored() == [blob.digest])
    #expect(try store.bytes(of: blob) == Array("abc".utf8))
  }

  /// matchbox (`storage/fs.go`) and the smart proxy of Foreman (`modules/tftp/server.rb`) write files in place that a
  /// machine may be reading.
  @Test("a name shows a whole file or none, while files are added and read at once")
  func whole() async throws {
    let contents = (0..<4).map { number in [UInt8](repeating: UInt8(number), count: 3_000_000 + number) }
    let paths = try contents.enumerated().map { try file("f\($0.offset)", $0.element) }
    let store = store
    try await withThrowingTaskGroup(of: Void.self) { group in
      for round in 0..<16 {
        group.addTask { _ = try store.add(fileAt: paths[round % 4]) }
        group.addTask {
          for name in try FileManager.default.contentsOfDirectory(atPath: store.directory.path)
          where !name.hasPrefix(".") {
            let bytes = try [UInt8](Data(contentsOf: store.directory.appendingPathComponent(name)))
            #expect(contents.contains(bytes))
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try stored().count == 4)
  }

  @Test(
    "what is no regular file is refused, and leaves nothing",
    arguments: ["/none", "/dev/zero", "/", "/proc/self/fd", ""])
  func noFile(path: String) throws {
    #expect(throws: ImageError.self) { try store.add(fileAt: path) }
    #expect(try stored().isEmpty)
  }

  @Test("a pipe is refused at once")
  func pipe() throws {
    let path = folder.appendingPathComponent("pipe").path
    #expect(mkfifo(path, 0o600) == 0)
    #expect(throws: ImageError.unreadable(path)) { try store.add(fileAt: path) }
  }

  @Test("damage on the disk is noticed when the bytes are read")
  func damage() throws {
    let blob = try store.add(fileAt: file("a", [1, 2, 3]))
    try Data([1, 2, 4]).write(to: URL(fileURLWithPath: store.path(of: blob)))
    #expect(throws: ImageError.self) { try store.bytes(of: blob) }
  }

  @Test("what no record names is removed, what is left of a broken import too")
  func garbage() throws {
    let kept = try store.add(fileAt: file("a", [1]))
    _ = try store.add(fileAt: file("b", [2]))
    try Data([3]).write(to: store.directory.appendingPathComponent(".incoming-x"))
    try store.keep(only: [kept])
    #expect(try stored() == [kept.digest])
  }

  @Test("only a Linux kernel is taken for one", arguments: [[1, 2, 3], [UInt8](repeating: 0, count: 4096)])
  func kernel(bytes: [UInt8]) throws {
    let path = try file("kernel", bytes)
    #expect(throws: ImageError.notAnImage(path: path, reason: "this is no Linux kernel")) {
      try BootImage(name: ImageName("x"), kernelPath: path, initrdPath: path, in: store, now: Date())
    }
    #expect(try stored().isEmpty)
  }

  @Test("kernels for x86 and arm64 are known by their marks")
  func kernels() throws {
    for (offset, mark) in [(0x202, Array("HdrS".utf8)), (56, [0x41, 0x52, 0x4D, 0x64])] {
      var bytes = [UInt8](repeating: 0, count: 4096)
      bytes.replaceSubrange(offset..<offset + 4, with: mark)
      let path = try file("kernel", bytes)
      let image = try BootImage(name: ImageName("x"), kernelPath: path, initrdPath: path, in: store, now: Date())
      let catalogue = ImageCatalogue(store: store)
      catalogue.put(image)
      #expect(catalogue.image(named: "x")?.kernel == image.kernel && catalogue.image(named: "../x") == nil)
      #expect(try catalogue.removeImage(named: ImageName("x")))
      #expect(try !catalogue.removeImage(named: ImageName("x")))
    }
  }

  @Test(
    "a name that could be a path or a command is refused",
    arguments: ["", ".", "..", ".x", "a/b", "a b", "a\n", "${x}", "ä", "a\u{0}", String(repeating: "a", count: 64)])
  func names(text: String) {
    #expect(throws: ImageError.invalidName(text)) { try ImageName(text) }
  }
}
