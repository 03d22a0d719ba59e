import Crypto
import Foundation

/// The SHA-256 of a file's content, and its size.
public struct Blob: Codable, Sendable, Hashable {
  /// 64 lower-case hexadecimal digits.
  public let digest: String
  /// Bytes.
  public let size: Int
}

/// Immutable files, each stored once under its digest.
public struct BlobStore: Sendable {
  public let directory: URL

  /// - Throws: ``ImageError`` when the directory can not be made.
  public init(directory: URL) throws(ImageError) {
    self.directory = directory
    do {
      try FileManager.default.createDirectory(
        at: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw .failed("the directory \(directory.path) can not be made: \(error)")
    }
  }

  public func path(of blob: Blob) -> String { directory.appendingPathComponent(blob.digest).path }

  /// Copies a file into the store: complete and durable when this returns, invisible before.
  public func add(fileAt path: String) throws(ImageError) -> Blob {
    let temporary = directory.appendingPathComponent(".incoming-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: temporary) }
    do {
      // A pipe would never end, and a device is no file to keep.
      var isDirectory: ObjCBool = false
      guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory), !isDirectory.boolValue,
        try URL(fileURLWithPath: path).resolvingSymlinksInPath().resourceValues(forKeys: [.isRegularFileKey])
          .isRegularFile == true, let source = FileHandle(forReadingAtPath: path)
      else { throw ImageError.unreadable(path) }
      defer { try? source.close() }
      guard
        FileManager.default.createFile(atPath: temporary.path, contents: nil, attributes: [.posixPermissions: 0o600])
      else { throw ImageError.failed("no file can be made in \(directory.path): is the disk full?") }
      let target = try FileHandle(forWritingTo: temporary)
      defer { try? target.close() }
      var hash = SHA256()
      var size = 0
      while let chunk = try source.read(upToCount: 1 << 20), !chunk.isEmpty {
        hash.update(data: chunk)
        size += chunk.count
        try target.write(contentsOf: chunk)
      }
      try target.synchronize()
      let digest = hash.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
      let blob = Blob(digest: digest, size: size)
      let final = self.path(of: blob)
      if FileManager.default.fileExists(atPath: final) { return blob }
      guard rename(temporary.path, final) == 0 else {
        throw ImageError.failed("\(final): \(String(cString: strerror(errno)))")
      }
      // The name is durable only when the directory is.
      let folder = open(directory.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
      defer { close(folder) }
      guard folder >= 0, fsync(folder) == 0 else {
        throw ImageError.failed("\(directory.path): \(String(cString: strerror(errno)))")
      }
      return blob
    } catch let error as ImageError {
      throw error
    } catch {
      throw .failed("\(path) could not be stored: \(error)")
    }
  }

  public func bytes(of blob: Blob) throws(ImageError) -> [UInt8] {
    guard let data = FileManager.default.contents(atPath: path(of: blob)) else { throw .unreadable(path(of: blob)) }
    let digest = SHA256.hash(data: data).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    guard digest == blob.digest else { throw .failed("\(path(of: blob)) is damaged: add the file again") }
    return [UInt8](data)
  }

  /// Removes what none of `blobs` names.
  public func keep(only blobs: some Sequence<Blob>) throws {
    let kept = Set(blobs.map(\.digest))
    for name in try FileManager.default.contentsOfDirectory(atPath: directory.path) where !kept.contains(name) {
      try FileManager.default.removeItem(at: directory.appendingPathComponent(name))
    }
  }
}
