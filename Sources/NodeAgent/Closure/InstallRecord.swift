import BinaryCache
import Glibc
import NixFormats

/// Which paths are on the disk for certain: one line `HASH-name sha256:HASH` each, appended only after the path itself
/// has reached the disk. It lies in the same file system as the store.
struct InstallRecord: ~Copyable {
  private let file: OpenFile
  private(set) var paths: [StorePath: NixHash]

  /// Reads the record, or begins one. A line that a power cut has torn is dropped.
  init(path: String) throws(SystemCallError) {
    let bytes = try FileSystem.contents(of: path, limit: 64 << 20) ?? []
    var paths: [StorePath: NixHash] = [:]
    let complete = bytes.prefix((bytes.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1)
    for line in complete.split(separator: UInt8(ascii: "\n")) {
      let fields = line.split(separator: UInt8(ascii: " ")).map { String(decoding: $0, as: UTF8.self) }
      guard fields.count == 2, let path = try? StorePath(baseName: fields[0]), let hash = try? NixHash(fields[1])
      else { continue }
      paths[path] = hash
    }
    try FileSystem.replace(path, with: Array(Self.text(paths.map { ($0, $1) }).utf8))
    let file = try OpenFile(path, flags: O_WRONLY | O_APPEND | O_NOFOLLOW)
    self.file = file
    self.paths = paths
  }

  /// - Parameter infos: paths that are in the store directory under their names.
  mutating func append(_ infos: [NarInfo], store: borrowing OpenFile) throws(SystemCallError) {
    guard !infos.isEmpty else { return }
    try store.synchronizeFileSystem()
    try file.write(Array(Self.text(infos.map { ($0.storePath, $0.narHash) }).utf8)[...])
    try file.synchronize()
    for info in infos { paths[info.storePath] = info.narHash }
  }

  private static func text(_ paths: [(StorePath, NixHash)]) -> String {
    paths.map { "\($0.baseName) \($1)\n" }.joined()
  }
}
