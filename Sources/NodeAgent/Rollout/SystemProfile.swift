import BinaryCache
import NodeFiles

/// The system that runs, and the generations of the system profile: what the machine boots.
struct SystemProfile: Sendable {
  private static let folder = "/nix/var/nix/profiles"
  /// Keeps the garbage collector from a system that no generation names yet.
  private static let collectorRoot = "/nix/var/nix/gcroots/bootstead-rollout"

  let root: String

  init(root: String) { self.root = root }

  /// The system that runs; where nothing says so, the one that is installed.
  var running: String { FileSystemEntry(root + "/run/current-system").linkTarget ?? installed }

  /// The system of the current generation.
  var installed: String {
    var path = Self.folder + "/system"
    for _ in 0..<8 {
      guard let target = FileSystemEntry(root + path).linkTarget else { break }
      path = target.hasPrefix("/") ? target : Self.folder + "/" + target
    }
    return path
  }

  /// What the profile's link says, such as `system-3-link`.
  var generation: String? { FileSystemEntry(root + Self.folder + "/system").linkTarget }

  /// Makes a system the current generation: a new one, unless the current one is that system.
  func set(_ closure: String) throws(SystemCallError) {
    if installed == closure { return }
    let folder = root + Self.folder
    let numbers = try FileSystem.names(in: folder).compactMap { name -> Int? in
      guard name.hasPrefix("system-"), name.hasSuffix("-link") else { return nil }
      return Int(name.dropFirst(7).dropLast(5))
    }
    let name = "system-\((numbers.max() ?? 0) + 1)-link"
    try FileSystem.replaceLink(folder + "/" + name, to: closure)
    try point(to: name)
  }

  /// Goes back to a generation.
  func point(to generation: String) throws(SystemCallError) {
    try FileSystem.replaceLink(root + Self.folder + "/system", to: generation)
    try FileSystem.synchronizeDirectory(root + Self.folder)
  }

  func protect(_ closure: String) throws(SystemCallError) {
    try FileSystem.makeDirectories(root + "/nix/var/nix/gcroots")
    try FileSystem.replaceLink(root + Self.collectorRoot, to: closure)
  }

  func unprotect() throws(SystemCallError) {
    if try FileSystem.entry(at: root + Self.collectorRoot) == nil { return }
    try FileSystem.removeFile(root + Self.collectorRoot)
  }
}
