import BinaryCache
import Glibc
import NixFormats

/// How the target's Nix gets to know the closure.
public enum RegistrationOutcome: Hashable, Sendable, CustomStringConvertible {
  /// `nix-store --load-db` of the closure itself has written the database.
  case loaded(by: String)
  /// The closure has no Nix. The text lies at that path of the target, under the name by which NixOS images hand it to
  /// their first boot (nixpkgs, lib/make-system-tarball.nix and lxc-container.nix: `/nix-path-registration`).
  case leftForFirstBoot(path: String)

  public var description: String {
    switch self {
    case .loaded(let command): "the Nix database was written by \(command)"
    case .leftForFirstBoot(let path): "the closure has no nix-store; the registration of its paths lies at \(path)"
    }
  }
}

extension ClosureInstaller {
  /// Runs `nix-store --load-db` of the target in the target: its root, the command's path in it, and the file to read.
  public typealias DatabaseLoader =
    @Sendable (_ targetRoot: String, _ command: String, _ registration: String) async throws(ClosureError) -> Void

  /// Makes the installed paths a NixOS: the Nix database, the system profile, the roots of the garbage collector,
  /// `/etc/NIXOS`. Safe to run again.
  public func register(
    _ closure: InstalledClosure, loader: DatabaseLoader = TargetDatabase.load
  ) async throws(ClosureError) -> RegistrationOutcome {
    try closureCall { () throws(SystemCallError) in
      for directory in ["db", "gcroots/auto", "profiles/per-user/root", "temproots"] {
        try FileSystem.makeDirectories(targetRoot + "/nix/var/nix/" + directory)
      }
      // Nix makes this link only together with the directory.
      try link("/nix/var/nix/gcroots/profiles", to: "/nix/var/nix/profiles")
      try link("/nix/var/nix/profiles/system-1-link", to: closure.root.description)
      try link("/nix/var/nix/profiles/system", to: "system-1-link")
      try FileSystem.makeDirectories(targetRoot + "/etc")
      if try FileSystem.entry(at: targetRoot + "/etc/NIXOS") == nil {
        try FileSystem.replace(targetRoot + "/etc/NIXOS", with: [])
      }
    }
    return try await registerPaths(of: closure, keeping: [], loader: loader)
  }

  /// Makes the installed paths known to the Nix of a system that runs already: its profile stays as it is.
  public func registerInRunningSystem(
    _ closure: InstalledClosure, loader: DatabaseLoader = TargetDatabase.load
  ) async throws(ClosureError) -> RegistrationOutcome {
    // What waits there for a Nix to come is not lost.
    let waiting = try closureCall { () throws(SystemCallError) in
      try FileSystem.contents(of: targetRoot + "/nix-path-registration", limit: 256 << 20) ?? []
    }
    return try await registerPaths(of: closure, keeping: waiting, loader: loader)
  }

  private func registerPaths(
    of closure: InstalledClosure, keeping waiting: [UInt8], loader: DatabaseLoader
  ) async throws(ClosureError) -> RegistrationOutcome {
    let registration = targetRoot + "/nix-path-registration"
    try closureCall { () throws(SystemCallError) in
      try FileSystem.replace(registration, with: waiting + Array(NixRegistration.text(for: closure.paths).utf8))
    }
    let command = try nixStore(in: closure)
    if let command {
      try await loader(targetRoot.isEmpty ? "/" : targetRoot, command, registration)
      try closureCall { () throws(SystemCallError) in try FileSystem.removeFile(registration) }
    }
    try closureCall { () throws(SystemCallError) in
      for directory in [targetRoot + "/nix", targetRoot + "/"] {
        try OpenFile(directory, flags: O_RDONLY | O_DIRECTORY).synchronizeFileSystem()
      }
    }
    return command.map { .loaded(by: $0) } ?? .leftForFirstBoot(path: "/nix-path-registration")
  }

  private func link(_ path: String, to target: String) throws(SystemCallError) {
    if try FileSystem.linkTarget(of: targetRoot + path) == target { return }
    try FileSystem.replaceLink(targetRoot + path, to: target)
  }

  /// The closure's own nix-store as the target sees it: that of the system's environment, else of any Nix in it.
  private func nixStore(in closure: InstalledClosure) throws(ClosureError) -> String? {
    let candidates =
      [closure.root.description + "/sw"]
      + closure.paths.filter { $0.storePath.name.hasPrefix("nix-") }.map(\.storePath.description)
    return try closureCall { () throws(SystemCallError) in
      for candidate in candidates where try existsInTarget(candidate + "/bin/nix-store") {
        return candidate + "/bin/nix-store"
      }
      return nil
    }
  }

  /// Follows links as they will be followed inside the target.
  func existsInTarget(_ path: String) throws(SystemCallError) -> Bool {
    var waiting = Array(path.split(separator: "/").map(String.init).reversed())
    var reached: [String] = []
    var links = 0
    while let component = waiting.popLast() {
      if component == "." { continue }
      if component == ".." {
        _ = reached.popLast()
        continue
      }
      let here = targetRoot + "/" + (reached + [component]).joined(separator: "/")
      guard let entry = try FileSystem.entry(at: here) else { return false }
      guard entry.isSymbolicLink, let target = try FileSystem.linkTarget(of: here) else {
        reached.append(component)
        continue
      }
      links += 1
      guard links <= 40 else { return false }
      if target.hasPrefix("/") { reached = [] }
      waiting += target.split(separator: "/").map(String.init).reversed()
    }
    return true
  }
}
