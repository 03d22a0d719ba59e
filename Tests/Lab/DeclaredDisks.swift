import Foundation
import Lab
import Testing

/// What the configuration of a node declares of its disks: `templates/lib/declared-disks.nix`, evaluated by Nix.
struct DeclaredDisks: Decodable {
  struct FileSystem: Decodable {
    var device: String
    var fsType: String
    var options: [String]?
  }

  var fileSystems: [String: FileSystem]
  /// What is added to `/etc/lvm/lvm.conf`; empty where there is no pool.
  var lvmConfiguration: String

  /// What `machine.json` says of sizes, which NixOS does not declare and only checks.
  private struct Planned: Decodable {
    struct FileSystem: Decodable {
      var device: String
      var size: UInt64?
    }
    struct Pool: Decodable {
      var volumeGroup: String
      var pool: String
      var autoextendThreshold: Int
      var autoextendPercent: Int
      var size: UInt64?
    }
    var fileSystems: [FileSystem]
    var thinPool: Pool?
  }

  /// - Parameter folder: gets the file that Nix reads.
  static func evaluated(machine: Data, folder: String) async throws -> DeclaredDisks {
    let file = folder + "/machine.json"
    try machine.write(to: URL(fileURLWithPath: file))
    let function = LabSetting.source + "/templates/lib/declared-disks.nix"
    let json = try await LabTool.run(
      "nix-instantiate",
      [
        "--store", "dummy://", "--eval", "--strict", "--json", "-E",
        "import \(function) { machine = builtins.fromJSON (builtins.readFile \(file)); }",
      ])
    return try JSONDecoder().decode(DeclaredDisks.self, from: Data(json.utf8))
  }

  /// Options that the kernel is not told, or tells in other words.
  private static func asMounted(_ option: String) -> [String] {
    switch option {
    case "nofail", "defaults", "auto": []
    case _ where option.hasPrefix("x-"): []
    // vfat knows one mask for folders and one for files: fs/fat/inode.c of Linux 6.1, fat_show_options.
    case _ where option.hasPrefix("umask="):
      ["fmask=" + option.dropFirst("umask=".count), "dmask=" + option.dropFirst("umask=".count)]
    default: [option]
    }
  }

  /// Compares a running node with what is declared for it.
  static func mustBeTrue(on truth: DiskTruth, folder: String) async throws {
    let declared = try await evaluated(machine: truth.machine, folder: folder)
    let planned = try JSONDecoder().decode(Planned.self, from: truth.machine)
    let mounts = truth.mounts.filter { $0.source.hasPrefix("/dev/") }
    #expect(Set(mounts.map(\.target)) == Set(declared.fileSystems.keys))
    for (mountPoint, fileSystem) in declared.fileSystems {
      let mount = try #require(mounts.first { $0.target == mountPoint }, "\(mountPoint) is declared and not mounted")
      let device = try #require(
        truth.devices.first { $0.device == fileSystem.device }, "the node has no \(fileSystem.device)")
      #expect(mount.number == device.number, "\(mountPoint) is \(mount.source), not \(fileSystem.device)")
      #expect(mount.fstype == fileSystem.fsType, "\(mountPoint)")
      // The node's first stage mounts the root by itself, as the stand-in for NixOS that it is.
      let running = Set(mount.options.split(separator: ",").map(String.init))
      for option in (fileSystem.options ?? []).flatMap(asMounted) where mountPoint != "/" {
        #expect(running.contains(option), "\(mountPoint) is mounted with \(mount.options)")
      }
    }
    for fileSystem in planned.fileSystems {
      #expect(
        truth.devices.first { $0.device == fileSystem.device }?.size == fileSystem.size, "\(fileSystem.device)")
    }
    try await poolMustBeTrue(planned.thinPool, declared, truth, folder: folder)
  }

  private static func poolMustBeTrue(
    _ pool: Planned.Pool?, _ declared: DeclaredDisks, _ truth: DiskTruth, folder: String
  ) async throws {
    guard let pool else {
      #expect(truth.volumes.isEmpty && declared.lvmConfiguration.isEmpty)
      return
    }
    let pools = truth.volumes.filter { $0.type == "thin-pool" }
    #expect(pools.map(\.name) == [pool.pool] && pools.map(\.group) == [pool.volumeGroup])
    #expect(pools.first.flatMap { UInt64($0.size) } == pool.size)
    let prefix = "/dev/\(pool.volumeGroup)/"
    let volumes = declared.fileSystems.values.map(\.device).filter { $0.hasPrefix(prefix) }
      .map { String($0.dropFirst(prefix.count)) }
    let thin = truth.volumes.filter { $0.type == "thin" }
    #expect(Set(thin.map(\.name)) == Set(volumes))
    #expect(thin.allSatisfy { $0.pool == pool.pool && $0.group == pool.volumeGroup })

    // LVM itself reads the declared text.
    let system = folder + "/lvm"
    try FileManager.default.createDirectory(atPath: system, withIntermediateDirectories: true)
    try Data(declared.lvmConfiguration.utf8).write(to: URL(fileURLWithPath: system + "/lvm.conf"))
    let read = try await LabTool.run(
      "env",
      [
        "LVM_SYSTEM_DIR=\(system)", "lvmconfig", "activation/thin_pool_autoextend_threshold",
        "activation/thin_pool_autoextend_percent",
      ])
    #expect(
      Set(read.split(separator: "\n").map(String.init)) == [
        "thin_pool_autoextend_threshold=\(pool.autoextendThreshold)",
        "thin_pool_autoextend_percent=\(pool.autoextendPercent)",
      ])
  }
}
