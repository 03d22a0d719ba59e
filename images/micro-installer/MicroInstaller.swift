import Foundation

/// The files that build the micro-installer, carried in the executable so that `bootstead installer build` works
/// wherever it is installed.
public enum MicroInstaller {
  private static let files: [(name: String, content: [UInt8], isExecutable: Bool)] = [
    ("build", PackageResources.build, true),
    ("debian-packages", PackageResources.debian_packages, true),
    ("handed-network.sh", PackageResources.handed_network_sh, true),
    ("init.sh", PackageResources.init_sh, true),
    ("lvm.conf", PackageResources.lvm_conf, false),
    ("modules", PackageResources.modules, false),
    ("packages", PackageResources.packages, false),
    ("programs", PackageResources.programs, false),
    ("udhcpc.script", PackageResources.udhcpc_script, true),
  ]

  /// Lays the files into a new directory. `build OUTPUT_DIR AGENT_BINARY` in it makes kernel and initrd.
  public static func write(to directory: URL) throws {
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    for file in files {
      let target = directory.appendingPathComponent(file.name)
      try Data(file.content).write(to: target)
      try FileManager.default.setAttributes(
        [.posixPermissions: file.isExecutable ? 0o755 : 0o644], ofItemAtPath: target.path)
    }
  }
}
