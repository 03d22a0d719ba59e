import Glibc

/// A path in the file system, read as sysfs and procfs want to be read: whole, small, without trust in its size.
public struct FileSystemEntry: Sendable, Hashable {
  public let path: String

  public init(_ path: String) { self.path = path }

  public func appending(_ name: String) -> FileSystemEntry {
    FileSystemEntry((path.hasSuffix("/") ? String(path.dropLast()) : path) + (name.hasPrefix("/") ? name : "/" + name))
  }

  /// The part behind the last slash.
  public var name: String { path.split(separator: "/").last.map(String.init) ?? "" }

  public var exists: Bool { access(path, F_OK) == 0 }

  /// The device number of a device node.
  public var deviceNumber: UInt64? {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFBLK || status.st_mode & S_IFMT == S_IFCHR else {
      return nil
    }
    return UInt64(status.st_rdev)
  }

  /// Up to `limit` bytes from the start; nil where it cannot be read.
  public func bytes(limit: Int = 65536) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var content: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16384)
    while content.count < limit {
      let count = read(descriptor, &buffer, min(buffer.count, limit - content.count))
      if count < 0 {
        if errno == EINTR { continue }
        return nil
      }
      if count == 0 { break }
      content += buffer[0..<count]
    }
    return content
  }

  public func text(limit: Int = 65536) -> String? { bytes(limit: limit).map { String(decoding: $0, as: UTF8.self) } }

  /// The content without surrounding white space and control characters; nil where nothing is left.
  public var line: String? {
    guard let text = text(limit: 4096) else { return nil }
    let isBlank = { (character: Character) in
      character.isWhitespace || character.unicodeScalars.allSatisfy { $0.value < 32 || $0.value == 127 }
    }
    guard let start = text.firstIndex(where: { !isBlank($0) }), let end = text.lastIndex(where: { !isBlank($0) })
    else { return nil }
    return String(text[start...end].filter { $0 == " " || !isBlank($0) })
  }

  public var number: UInt64? { line.flatMap { UInt64($0) } }

  /// The names in a folder, sorted; none where there is no such folder.
  public var children: [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// What a symbolic link says, without following it further.
  public var linkTarget: String? {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = buffer.withUnsafeMutableBytes { bytes in
      bytes.withMemoryRebound(to: CChar.self) { text in
        text.baseAddress.map { readlink(path, $0, text.count) } ?? -1
      }
    }
    return count > 0 ? String(decoding: buffer[0..<count], as: UTF8.self) : nil
  }

  /// The path with all links resolved.
  public var resolved: String? {
    guard let pointer = realpath(path, nil) else { return nil }
    defer { free(pointer) }
    return String(cString: pointer)
  }
}
