import Foundation
import StackTemplates

/// Stacks' folders in memory: those of the catalogue, and the operator's own.
public struct StackSources: Sendable {
  private struct Folder: Sendable {
    /// How refusals call it.
    var path: String
    var files: [String: Data] = [:]
  }

  private var folders: [String: Folder] = [:]

  public init() {}

  /// Takes each folder `PREFIX/NAME` of some files for the stack NAME; it comes before one of the same name that was
  /// taken earlier.
  /// - Parameters:
  ///   - files: by their path.
  ///   - prefix: `stacks`.
  ///   - parent: how refusals call the folder that `prefix` is in; empty where it needs no name.
  public mutating func add(_ files: [String: Data], below prefix: String = "stacks", in parent: String = "") {
    var found: [String: Folder] = [:]
    for (path, content) in files where path.hasPrefix(prefix + "/") {
      let parts = path.dropFirst(prefix.count + 1).split(separator: "/", maxSplits: 1).map(String.init)
      // Values for trying a template out are never read.
      guard parts.count == 2, !parts[1].hasPrefix("secrets/") else { continue }
      let shown = [parent, prefix, parts[0]].filter { !$0.isEmpty }.joined(separator: "/")
      found[parts[0], default: Folder(path: shown)].files[parts[1]] = content
    }
    folders.merge(found) { $1 }
  }

  public var names: [String] { folders.keys.sorted() }

  public func has(_ name: String) -> Bool { folders[name] != nil }

  /// Reads one stack's folder.
  /// - Throws: ``CatalogueError`` where the folder can not be taken, `StackRefusals` where its file is none.
  public func template(_ name: String) throws -> StackTemplate {
    guard let folder = folders[name] else {
      throw CatalogueError(path: name, text: "is no stack; known are \(names.joined(separator: ", "))")
    }
    guard folder.files.count <= TemplateCatalogue.fileLimit else {
      throw CatalogueError(
        path: folder.path,
        text: "holds more than \(TemplateCatalogue.fileLimit) files; leave out what no container reads")
    }
    guard folder.files.values.reduce(0, { $0 + $1.count }) <= TemplateCatalogue.byteLimit else {
      throw CatalogueError(path: folder.path, text: "holds more than 1 MiB; leave out what is no configuration")
    }
    guard let compose = folder.files["compose.yaml"] else {
      throw CatalogueError(path: folder.path + "/compose.yaml", text: "is missing; add it")
    }
    var texts: [String: String] = [:]
    for (file, data) in folder.files where file != "compose.yaml" { texts[file] = String(data: data, encoding: .utf8) }
    return try StackTemplate(
      name: name, file: folder.path + "/compose.yaml", compose: [UInt8](compose), files: texts)
  }
}
