import FoundationEssentials
import Glibc
import NodeFiles

/// The files of this node's work, with its errors.
enum DurableFile {
  /// Makes the folders above it where they are missing.
  static func write(_ bytes: [UInt8], to path: String, mode: mode_t = 0o600) throws(NodeWorkError) {
    try makeFolder(folder(of: path))
    try work { () throws(FileError) in try WholeFile.write(bytes, to: path, mode: mode) }
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
    try work { () throws(FileError) in try WholeFile.bytes(of: path) }
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
    try work { () throws(FileError) in try WholeFile.remove(path) }
  }

  static func move(_ path: String, to target: String) throws(NodeWorkError) {
    try work { () throws(FileError) in try WholeFile.move(path, to: target) }
  }

  /// Makes a folder with those above it.
  static func makeFolder(_ path: String, mode: mode_t = 0o700) throws(NodeWorkError) {
    try work { () throws(FileError) in try WholeFile.makeFolder(path, mode: mode, above: mode) }
  }

  static func exists(_ path: String) -> Bool { FileSystemEntry(path).exists }

  /// The names in a folder, sorted; none where there is no such folder.
  static func children(of path: String) -> [String] { FileSystemEntry(path).children }

  static func folder(of path: String) -> String { WholeFile.folder(of: path) }

  /// The path itself, or the nearest folder above it that is there.
  static func nearest(_ path: String) -> String {
    var path = path
    while !exists(path), path != "/", path != "." { path = folder(of: path) }
    return path
  }

  private static func work<Value>(_ step: () throws(FileError) -> Value) throws(NodeWorkError) -> Value {
    do {
      return try step()
    } catch {
      throw NodeWorkError(.file, "can not \(error)")
    }
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
