import Foundation

/// A directory that is removed with its value, read-only store paths in it included.
public final class TemporaryDirectory: Sendable {
  public let path: String

  public init() throws {
    path = FileManager.default.temporaryDirectory.appendingPathComponent("bootstead-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit {
    let files = FileManager.default
    // Only folders have to be writable for what is in them to go.
    let entries = files.enumerator(at: URL(fileURLWithPath: path), includingPropertiesForKeys: [.isDirectoryKey])
    while let entry = entries?.nextObject() as? URL {
      guard (try? files.attributesOfItem(atPath: entry.path))?[.type] as? FileAttributeType == .typeDirectory else {
        continue
      }
      try? files.setAttributes([.posixPermissions: 0o700], ofItemAtPath: entry.path)
    }
    try? files.removeItem(atPath: path)
  }

  public func file(_ name: String) -> String { path + "/" + name }
}
