import Foundation

/// Where archives of flakes are kept while the appliance runs; what an earlier run left is removed.
enum FlakeFolder {
  static func emptied(in data: URL) throws -> URL {
    let folder = data.appendingPathComponent("flakes")
    if FileManager.default.fileExists(atPath: folder.path) { try FileManager.default.removeItem(at: folder) }
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }
}
