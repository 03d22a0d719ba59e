import FoundationEssentials
import Glibc

/// Files that a power cut leaves whole: the old content or the new one.
enum DurableFile {
  static func write(_ bytes: [UInt8], to path: String, mode: mode_t = 0o600) throws(NodeWorkError) {
    let folder = Self.folder(of: path)
    try makeFolder(folder)
    let temporary = path + ".new"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw failure("write", temporary) }
    defer { close(descriptor) }
    guard fchmod(descriptor, mode) == 0 else { throw failure("write", temporary) }
    var written = 0
    while written < bytes.count {
      let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw failure("write", temporary) }
      written += count
    }
    guard fsync(descriptor) == 0, rename(temporary, path) == 0 else { throw failure("write", path) }
    try sync(folder: folder)
  }

  static func writeJSON(_ value: some Encodable, to path: String) throws(NodeWorkError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
    encoder.dateEncodingStrategy = .iso8601
    guard let data = try? encoder.encode(value) else {
      throw NodeWorkError(.file, "\(path): a \(type(of: value)) can not be written as JSON")
    }
    try write(Array(data), to: path)
  }

  /// - Returns: nil where there is no such file.
  static func bytes(of path: String) throws(NodeWorkError) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw failure("read", path)
    }
    defer { close(descriptor) }
    var content: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw failure("read", path) }
      if count == 0 { return content }
      content += buffer[0..<count]
    }
  }

  /// - Returns: nil where there is no such file.
  static func value<Value: Decodable>(_ type: Value.Type, at path: String) throws(NodeWorkError) -> Value? {
    guard let bytes = try bytes(of: path) else { return nil }
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    do {
      return try decoder.decode(type, from: Data(bytes))
    } catch {
      throw NodeWorkError(.configuration, "\(path): \(Self.explain(error))")
    }
  }

  static func remove(_ path: String) throws(NodeWorkError) {
    guard unlink(path) == 0 || errno == ENOENT else { throw failure("remove", path) }
    try sync(folder: folder(of: path))
  }

  static func move(_ path: String, to target: String) throws(NodeWorkError) {
    guard rename(path, target) == 0 else { throw failure("move to \(target)", path) }
    try sync(folder: folder(of: target))
  }

  /// Makes a folder with those above it.
  static func makeFolder(_ path: String, mode: mode_t = 0o700) throws(NodeWorkError) {
    if exists(path) || path.isEmpty { return }
    try makeFolder(folder(of: path), mode: mode)
    guard mkdir(path, mode) == 0 || errno == EEXIST else { throw failure("make", path) }
  }

  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// The names in a folder, sorted; none where there is no such folder.
  static func children(of path: String) -> [String] {
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

  static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  private static func sync(folder: String) throws(NodeWorkError) {
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("open", folder) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw failure("write out", folder) }
  }

  private static func failure(_ verb: String, _ path: String) -> NodeWorkError {
    NodeWorkError(.file, "can not \(verb) \(path): \(String(cString: strerror(errno)))")
  }

  private static func explain(_ error: any Error) -> String {
    func place(_ path: [any CodingKey]) -> String { "'" + path.map(\.stringValue).joined(separator: ".") + "'" }
    return switch error as? DecodingError {
    case .keyNotFound(let key, let context)?: "\(place(context.codingPath)) has no '\(key.stringValue)'"
    case .typeMismatch(_, let context)?, .valueNotFound(_, let context)?, .dataCorrupted(let context)?:
      "\(place(context.codingPath)): \(context.debugDescription.prefix(200))"
    default: "it can not be read"
    }
  }
}
