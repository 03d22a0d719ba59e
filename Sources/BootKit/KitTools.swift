import Foundation
import Subprocess
import SystemPackage

/// The programs and files of Debian packages that make an image.
public struct KitTools: Sendable {
  static let programs = [
    ("xorriso", "xorriso"), ("grub-mkimage", "grub-common"), ("mformat", "mtools"), ("mcopy", "mtools"),
    ("mmd", "mtools"),
  ]
  public static let grub = "/usr/lib/grub/i386-pc"

  let paths: [String: String]
  let grubFolder: String

  /// Looks for everything first, so that one answer names all that is missing.
  /// - Parameters:
  ///   - search: folders, as in `PATH`.
  ///   - grubFolder: where GRUB's BIOS modules are.
  public init(
    search: [String] = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init) + [
      "/usr/sbin", "/usr/bin", "/sbin", "/bin",
    ], grubFolder: String = KitTools.grub
  ) throws(BootKitError) {
    var paths: [String: String] = [:]
    var (missing, packages): ([String], [String]) = ([], [])
    for (program, package) in Self.programs {
      if let folder = search.first(where: { FileManager.default.isExecutableFile(atPath: "\($0)/\(program)") }) {
        paths[program] = "\(folder)/\(program)"
      } else {
        missing.append(program)
        if !packages.contains(package) { packages.append(package) }
      }
    }
    for file in ["boot_hybrid.img", "cdboot.img", "linux16.mod"] {
      let path = "\(grubFolder)/\(file)"
      guard !FileManager.default.fileExists(atPath: path) else { continue }
      missing.append(path)
      if !packages.contains("grub-pc-bin") { packages.append("grub-pc-bin") }
    }
    guard missing.isEmpty else { throw .missing(what: missing, packages: packages) }
    self.paths = paths
    self.grubFolder = grubFolder
  }

  func run(_ program: String, _ arguments: [String], in folder: String) async throws(BootKitError) {
    let command = ([program] + arguments).joined(separator: " ")
    let status: TerminationStatus
    let output: String
    do {
      let result = try await Subprocess.run(
        .path(FilePath(paths[program] ?? program)), arguments: Arguments(arguments),
        // mtools would read the settings of whoever runs this, and refuse images that are no floppy.
        environment: .inherit.updating(["LC_ALL": "C", "MTOOLSRC": "/dev/null", "MTOOLS_SKIP_CHECK": "1"]),
        workingDirectory: FilePath(folder), output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
      status = result.terminationStatus
      output = result.standardOutput + result.standardError
    } catch {
      throw .toolFailed(command: command, status: "an error", output: "\(error)")
    }
    guard status.isSuccess else { throw .toolFailed(command: command, status: "\(status)", output: output) }
  }
}
