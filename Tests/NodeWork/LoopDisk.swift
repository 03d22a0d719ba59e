import Foundation
import ProgramTestSupport

/// A real disk of a file, with a file system. It takes root and loop devices.
final class LoopDisk: Sendable {
  let device: String
  private let folder: TemporaryDirectory

  /// - Parameter make: the program that makes the file system, with its arguments; nil leaves the disk as `content`.
  init(megabytes: Int, make: [String]? = ["mkfs.ext4", "-q", "-F"], content: String = "") async throws {
    folder = try TemporaryDirectory()
    let image = folder.file("image")
    try Data(content.utf8).write(to: URL(fileURLWithPath: image))
    _ = try await TestProgram.output("truncate", ["--size", "\(megabytes)M", image])
    if let make { _ = try await TestProgram.output(make[0], make.dropFirst() + [image]) }
    let said = try await TestProgram.output("losetup", ["--find", "--show", image])
    device = String(decoding: said, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Mounts it for the time of some work.
  func mounted<Value>(at path: String, _ work: () async throws -> Value) async throws -> Value {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    _ = try await TestProgram.output("mount", [device, path])
    let result: Result<Value, any Error>
    do {
      result = .success(try await work())
    } catch {
      result = .failure(error)
    }
    _ = try await TestProgram.output("umount", [path])
    return try result.get()
  }

  func detach() async throws { _ = try await TestProgram.output("losetup", ["--detach", device]) }
}

/// Detaches the disk whatever happens.
func withLoopDisk(
  megabytes: Int, make: [String]? = ["mkfs.ext4", "-q", "-F"], content: String = "",
  _ work: (LoopDisk) async throws -> Void
) async throws {
  let disk = try await LoopDisk(megabytes: megabytes, make: make, content: content)
  let result: Result<Void, any Error>
  do {
    result = .success(try await work(disk))
  } catch {
    result = .failure(error)
  }
  try await disk.detach()
  try result.get()
}
