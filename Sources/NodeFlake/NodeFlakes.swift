import Crypto
import Fleet
import Foundation
import Subprocess
import SystemPackage

/// Makes the flakes of machines, and keeps their archives.
public actor NodeFlakes {
  let fleet: Fleet
  private let templatesPath: String?
  private let appliance: ApplianceIdentity
  private let folder: URL
  private let agent: AgentFile?
  private let nixEnvironment: [String: String]
  private var isBuilding = false
  /// What was made, by its file.
  private var archives: [String: Archive] = [:]

  /// - Parameters:
  ///   - templates: the folder with the NixOS modules; nil where there is none.
  ///   - agent: what nodes report with; nil leaves it out.
  ///   - folder: where archives are kept; it is made.
  ///   - nixEnvironment: variables for Nix beside this program's own.
  public init(
    fleet: Fleet, templates: String?, appliance: ApplianceIdentity, agent: AgentFile? = nil, folder: URL,
    nixEnvironment: [String: String] = [:]
  ) {
    (self.fleet, self.templatesPath, self.appliance, self.folder) = (fleet, templates, appliance, folder)
    (self.agent, self.nixEnvironment) = (agent, nixEnvironment)
  }

  /// Read anew each time: an operator may work on them.
  public nonisolated func templates() throws -> TemplateFolder {
    guard let templatesPath else {
      throw FleetError.conflict("this appliance has no templates: start it with 'bootstead serve --templates DIR'")
    }
    return try TemplateFolder(path: templatesPath)
  }

  nonisolated var hasTemplates: Bool { templatesPath != nil }

  /// Where there are templates, a role has to be one of theirs.
  /// - Parameter text: comma separated names; nil and nothing are no roles.
  public nonisolated func check(roles text: String?) throws {
    guard let text, !text.isEmpty, templatesPath != nil else { return }
    try KnownRoles(templates().roles).check(text)
  }

  /// - Parameter name: of a machine, or a MAC address of it.
  public nonisolated func flake(of name: String) async throws -> NodeFlake {
    let templates = try templates()
    return try NodeFlake(await fleet.nodeSource(of: name, appliance: appliance), templates: templates, agent: agent)
  }

  /// A flake as a file for Nix: `nixos-rebuild --flake http://APPLIANCE/flake/NAME.tar.gz#NAME`.
  public struct Archive: Sendable {
    public let path: String
    /// The flake's.
    public let digest: String
    /// SHA-256 of the file, hexadecimal.
    public let archiveDigest: String
    /// Bytes of the file.
    public let size: Int
  }

  /// The archive of a machine's flake as it is now. The same flake gives the same bytes.
  public func archive(of name: String) async throws -> Archive {
    let flake = try await flake(of: name)
    let file = folder.appendingPathComponent("\(flake.name)-\(flake.digest).tar.gz")
    if let made = archives[file.path], FileManager.default.fileExists(atPath: file.path) { return made }
    let work = folder.appendingPathComponent("work-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: work) }
    // Nix takes an archive with one folder at its top.
    let top = "bootstead-\(flake.name)"
    try flake.write(to: work.appendingPathComponent(top))
    let packed = work.appendingPathComponent("archive")
    try await pack(top, in: work, to: packed)
    for old in try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    where isArchive(old.lastPathComponent, of: flake.name) && old.lastPathComponent != file.lastPathComponent {
      try FileManager.default.removeItem(at: old)
    }
    let content = try Data(contentsOf: packed, options: .mappedIfSafe)
    let archive = Archive(
      path: file.path, digest: flake.digest, archiveDigest: SHA256.hash(data: content).hexadecimal, size: content.count)
    // Another request may have been here while `tar` ran; both have the same bytes.
    guard rename(packed.path, file.path) == 0 else {
      throw ArchiveFailure("\(file.path) can not be written: \(String(cString: strerror(errno)))")
    }
    archives = archives.filter { !isArchive(URL(fileURLWithPath: $0.key).lastPathComponent, of: flake.name) }
    archives[file.path] = archive
    return archive
  }

  /// The appliance could not make an archive.
  struct ArchiveFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }

  private func isArchive(_ file: String, of name: MachineName) -> Bool {
    file.hasPrefix("\(name)-") && file.utf8.count == name.text.utf8.count + 1 + 64 + 7
  }

  /// Bytes that depend on nothing but names and contents (GNU tar manual, 8.4 “Making tar Archives More Reproducible”).
  private func pack(_ top: String, in work: URL, to file: URL) async throws {
    let arguments = [
      "--create", "--sort=name", "--format=gnu", "--mtime=@1", "--owner=0", "--group=0", "--numeric-owner",
      "--mode=u=rwX,go=rX", "--use-compress-program=gzip -n", "--file", file.path, "--directory", work.path, top,
    ]
    let result = try await Subprocess.run(
      .name("tar"), arguments: Arguments(arguments),
      environment: .inherit.updating(["LC_ALL": "C", "TAR_OPTIONS": ""]),
      output: .discarded, error: .string(limit: 1 << 16))
    guard result.terminationStatus.isSuccess else {
      throw ArchiveFailure("tar failed (\(result.terminationStatus)): \(result.standardError)")
    }
  }
}

extension NodeFlakes {
  /// Builds a flake with Nix. `publish` gets what was built while its cache is there; the folder is removed after it.
  public func build(
    _ flake: NodeFlake, builder: NixBuilder?, progress: @escaping @Sendable (BuildProgress) -> Void,
    publish: @Sendable (BuiltSystem) async throws -> String
  ) async throws -> String {
    guard !isBuilding else {
      throw FleetError.conflict("a build is under way: wait for its end, then run this again")
    }
    isBuilding = true
    defer { isBuilding = false }
    let work = folder.appendingPathComponent("build-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: work, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: work) }
    let built = try await NixBuild(folder: work, builder: builder, environment: nixEnvironment)
      .run(flake, platform: flake.platform, progress: progress)
    return try await publish(built)
  }
}
