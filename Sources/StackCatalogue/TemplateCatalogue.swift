import Foundation
import StackTemplates

/// The stacks' folders: `templates/stacks`, and those of the operator's own.
public struct TemplateCatalogue: Sendable {
  /// Bytes of one folder.
  public static let byteLimit = 1 << 20
  /// Files of one folder.
  public static let fileLimit = 64

  /// The folders, by the stack's name.
  public let folders: [String: String]

  /// - Parameters:
  ///   - root: `templates/stacks`; a folder that is not there holds none.
  ///   - own: folders of further stacks, by name; they come before those of the same name in `root`.
  public init(root: String, own: [String: String] = [:]) throws(CatalogueError) {
    var folders: [String: String] = [:]
    if FileManager.default.fileExists(atPath: root) {
      let names: [String]
      do { names = try FileManager.default.contentsOfDirectory(atPath: root) } catch {
        throw CatalogueError(path: root, text: "can not be read: \(error.localizedDescription)")
      }
      for name in names where !name.hasPrefix(".") {
        var isFolder: ObjCBool = false
        let path = root + "/" + name
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
          folders[name] = path
        }
      }
    }
    self.folders = folders.merging(own) { $1 }
  }

  public var names: [String] { folders.keys.sorted() }

  /// Reads one stack's folder.
  public func template(_ name: String) throws -> StackTemplate {
    guard let folder = folders[name] else {
      throw CatalogueError(path: name, text: "is no stack; known are \(names.joined(separator: ", "))")
    }
    return try TemplateCatalogue.read(folder, name: name)
  }

  /// - Parameter name: nil: the folder's own.
  /// - Throws: ``CatalogueError`` where the folder can not be taken, ``StackRefusals`` where its file is none.
  public static func read(_ folder: String, name: String? = nil) throws -> StackTemplate {
    var reader = try FolderReader(folder)
    let files = try reader.read()
    let compose = folder + "/compose.yaml"
    guard let bytes = files["compose.yaml"] else { throw CatalogueError(path: compose, text: "is missing; add it") }
    var texts: [String: String] = [:]
    for (name, data) in files where name != "compose.yaml" {
      texts[name] = String(data: data, encoding: .utf8)
    }
    return try StackTemplate(
      name: name ?? reader.name, file: compose, compose: [UInt8](bytes), files: texts)
  }
}

/// Why a stack's folder is not taken.
public struct CatalogueError: Error, CustomStringConvertible, Sendable {
  public var path: String
  public var text: String

  public init(path: String, text: String) { (self.path, self.text) = (path, text) }

  public var description: String { "\(path) \(text)" }
}

/// Reads all files of a folder; what is no file of it is refused.
private struct FolderReader {
  let root: String
  let name: String
  private var files: [String: Data] = [:]
  private var bytes = 0

  init(_ folder: String) throws(CatalogueError) {
    guard let real = realpath(folder, nil) else {
      throw CatalogueError(path: folder, text: "can not be read: \(String(cString: strerror(errno)))")
    }
    defer { free(real) }
    root = String(cString: real)
    name = root.split(separator: "/").last.map(String.init) ?? ""
  }

  mutating func read() throws -> [String: Data] {
    try readFolder("", depth: 0)
    return files
  }

  private mutating func readFolder(_ below: String, depth: Int) throws {
    let path = below.isEmpty ? root : root + "/" + below
    guard depth < 4 else { throw CatalogueError(path: path, text: "is too deep; put the file beside compose.yaml") }
    for name in try FileManager.default.contentsOfDirectory(atPath: path).sorted() where !name.hasPrefix(".") {
      // Values for trying the template out; they are never read.
      if below.isEmpty, name == "secrets" { continue }
      let inner = below.isEmpty ? name : below + "/" + name
      var status = stat()
      guard lstat(root + "/" + inner, &status) == 0 else {
        throw CatalogueError(path: inner, text: "can not be read: \(String(cString: strerror(errno)))")
      }
      switch status.st_mode & S_IFMT {
      case S_IFDIR: try readFolder(inner, depth: depth + 1)
      case S_IFREG: try readFile(inner, size: Int(status.st_size))
      case S_IFLNK:
        throw CatalogueError(path: root + "/" + inner, text: "is a symbolic link; copy the file instead")
      default: throw CatalogueError(path: root + "/" + inner, text: "is no file; remove it")
      }
    }
  }

  private mutating func readFile(_ name: String, size: Int) throws {
    guard files.count < TemplateCatalogue.fileLimit else {
      throw CatalogueError(
        path: root, text: "holds more than \(TemplateCatalogue.fileLimit) files; leave out what no container reads")
    }
    bytes += size
    guard bytes <= TemplateCatalogue.byteLimit else {
      throw CatalogueError(path: root, text: "holds more than 1 MiB; leave out what is no configuration")
    }
    let data = try Data(contentsOf: URL(fileURLWithPath: root + "/" + name))
    guard data.count == size else {
      throw CatalogueError(path: root + "/" + name, text: "changed while it was read; try again")
    }
    files[name] = data
  }
}
