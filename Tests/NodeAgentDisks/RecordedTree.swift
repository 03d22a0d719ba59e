import Foundation

/// A folder that looks like the parts of a machine's `/sys`, `/proc`, `/dev` and `/run` that the inventory reads.
///
/// It is written as text: `path = content`, `path -> target of a link`, `path/` for an empty folder.
struct RecordedTree: ~Copyable {
  let root: URL

  init(_ text: String) throws {
    root = FileManager.default.temporaryDirectory.appending(path: "bootstead-tree-\(UUID().uuidString)")
    for line in text.split(separator: "\n") where !line.hasPrefix("#") {
      if let (path, target) = Self.halves(line, " -> ") {
        try FileManager.default.createDirectory(at: folder(of: path), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
          atPath: root.appending(path: path).path, withDestinationPath: target)
      } else if let (path, content) = Self.halves(line, " = ") {
        try FileManager.default.createDirectory(at: folder(of: path), withIntermediateDirectories: true)
        let unescaped = content.replacing("\\n", with: "\n").replacing("\\t", with: "\t")
        try Data((unescaped + "\n").utf8).write(to: root.appending(path: path))
      } else {
        try FileManager.default.createDirectory(
          at: root.appending(path: String(line)), withIntermediateDirectories: true)
      }
    }
  }

  deinit { try? FileManager.default.removeItem(at: root) }

  private func folder(of path: String) -> URL { root.appending(path: path).deletingLastPathComponent() }

  private static func halves(_ line: Substring, _ separator: String) -> (String, String)? {
    guard let range = line.firstRange(of: separator) else { return nil }
    return (String(line[..<range.lowerBound]), String(line[range.upperBound...]))
  }
}
