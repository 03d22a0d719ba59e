import Fleet
import Foundation

/// Reads a declared fleet from its folder. Names that begin with a dot are left out, so that it may be a git work tree.
struct DeclarationFolder {
  private let root: URL
  private var files: [String: Data] = [:]
  private var bytes = 0

  static func read(_ path: String) throws -> DeclaredFiles {
    var folder = try DeclarationFolder(path)
    try folder.readAll()
    return DeclaredFiles(folder.files)
  }

  private init(_ path: String) throws {
    guard let real = realpath(path, nil) else {
      throw CommandFailure.failed("\(path): \(String(cString: strerror(errno)))")
    }
    defer { free(real) }
    root = URL(fileURLWithPath: String(cString: real))
  }

  private mutating func readAll() throws {
    if exists(DeclaredFiles.fleet) { try readFile(DeclaredFiles.fleet) }
    for folder in ["machines", "modules", "stacks"] where exists(folder) { try readFolder(folder) }
    guard files.keys.contains(where: { $0 == DeclaredFiles.fleet || $0.hasPrefix("machines/") }) else {
      throw CommandFailure.failed(
        "\(root.path) declares no fleet: expected fleet.json or machines/NAME.json in it")
    }
  }

  private func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: root.appendingPathComponent(path).path)
  }

  private mutating func readFolder(_ path: String) throws {
    let place = try inside(path)
    let names: [String]
    do { names = try FileManager.default.contentsOfDirectory(atPath: place.path).sorted() } catch {
      throw CommandFailure.failed("\(path) can not be read: \(error.localizedDescription)")
    }
    for name in names where !name.hasPrefix(".") {
      let below = "\(path)/\(name)"
      // Values for trying a stack out stay where they are.
      if name == "secrets", path.wholeMatch(of: /stacks\/[^\/]+/) != nil { continue }
      var status = stat()
      guard lstat(root.appendingPathComponent(below).path, &status) == 0 else {
        throw CommandFailure.failed("\(below): \(String(cString: strerror(errno)))")
      }
      if status.st_mode & S_IFMT == S_IFDIR { try readFolder(below) } else { try readFile(below) }
    }
  }

  /// What a path leads to, which has to be in the folder.
  private func inside(_ path: String) throws -> URL {
    let file = root.appendingPathComponent(path)
    guard let real = realpath(file.path, nil) else {
      throw CommandFailure.failed("\(path): \(String(cString: strerror(errno)))")
    }
    defer { free(real) }
    let found = String(cString: real)
    guard found.hasPrefix(root.path == "/" ? "/" : root.path + "/") else {
      throw CommandFailure.failed("\(path): this link leads out of the folder, to \(found); copy the file instead")
    }
    return URL(fileURLWithPath: found)
  }

  private mutating func readFile(_ path: String) throws {
    let file = try inside(path)
    var status = stat()
    // A pipe would be waited for without end.
    guard stat(file.path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw CommandFailure.failed("\(path): this is no file; folders may not be reached by links")
    }
    bytes += Int(status.st_size)
    guard bytes <= DeclaredFiles.byteLimit else {
      throw CommandFailure.failed("\(path): the files have more than 1 MiB together, and no more is taken")
    }
    do { files[path] = try Data(contentsOf: file) } catch {
      throw CommandFailure.failed("\(path) can not be read: \(error.localizedDescription)")
    }
  }
}
