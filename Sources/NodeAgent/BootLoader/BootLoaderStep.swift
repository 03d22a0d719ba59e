import AgentProtocol
import DiskLayout
import NodeFiles
import ProgramRunner

/// Makes the new system bootable: lets the closure install its own boot loader in a chroot, as `nixos-install` does,
/// and on UEFI names it to the firmware. Safe to run again.
public struct BootLoaderStep: Sendable {
  public let target: String
  public let diskNode: String
  public let machineName: String
  /// `/nix/store/HASH-nixos-system-…`
  public let closure: String
  /// The number of the EFI system partition.
  public let espNumber: Int?
  private let runner: any CommandRunner
  private let root: String

  /// - Parameter root: before `/sys`, for tests.
  public init(
    target: String, diskNode: String, machineName: String, closure: String, espNumber: Int?,
    runner: any CommandRunner, root: String = ""
  ) {
    self.target = target
    self.diskNode = diskNode
    self.machineName = machineName
    self.closure = closure
    self.espNumber = espNumber
    self.runner = runner
    self.root = root
  }

  private var isUEFI: Bool { FileSystemEntry(root + "/sys/firmware/efi").exists }
  private var variables: String { "/sys/firmware/efi/efivars" }

  /// - Returns: what did not work without being fatal, for the log.
  /// - Throws: ``CommandFailure`` when the system's own boot loader could not be installed, ``FileError``.
  public func run() async throws -> [String] {
    try await mountForChroot()
    var notes: [String] = []
    do {
      notes += await activate()
      try await runner.run(chroot(["/nix/var/nix/profiles/system/bin/switch-to-configuration", "boot"]))
    } catch {
      await unmountForChroot()
      throw error
    }
    await unmountForChroot()
    if isUEFI { notes += await nameToFirmware() }
    return notes
  }

  /// For a boot loader that is on the disk already.
  /// - Returns: what did not work without being fatal, for the log.
  public func name() async -> [String] { isUEFI ? await nameToFirmware() : [] }

  // MARK: Inside the new system

  private var binds: [(source: String, options: [String])] {
    var binds: [(String, [String])] = [
      ("/dev", ["--bind"]), ("/dev/pts", ["--bind"]), ("/proc", ["--bind"]), ("/sys", ["--bind"]),
    ]
    if isUEFI { binds.append((variables, ["--bind"])) }
    return binds.filter { FileSystemEntry($0.0).exists }
  }

  private func mountForChroot() async throws {
    // What an earlier run left: mounts on mounts would keep the disk busy.
    await unmountForChroot()
    for folder in ["/dev", "/proc", "/sys", "/run"] { try WholeFile.makeFolder(target + folder, mode: 0o755) }
    try WholeFile.makeFolder(target + "/tmp", mode: 0o1777)
    for (source, options) in binds {
      try await runner.run(Command("mount", options + [source, target + source]))
    }
    // Activation writes /run/current-system; the node's own /run is a tmpfs as well.
    try await runner.run(Command("mount", ["-t", "tmpfs", "-o", "mode=0755", "tmpfs", target + "/run"]))
    // grub-install reads the mount table.
    _ = try? await runner.run(Command("ln", ["-sfn", "/proc/mounts", target + "/etc/mtab"]))
  }

  private func unmountForChroot() async {
    let table = MountTable.read()
    for folder in ["/run"] + binds.map(\.source).reversed() where table.mount(at: target + folder) != nil {
      do { try await runner.run(Command("umount", [target + folder])) } catch {
        _ = try? await runner.run(Command("umount", ["--lazy", target + folder]))
      }
    }
  }

  /// `nixos-enter` runs the activation script before anything else and does not mind its exit code: some of its parts
  /// need a running systemd.
  private func activate() async -> [String] {
    guard FileSystemEntry(target + closure + "/activate").existsAsLink else { return [] }
    do {
      try await runner.run(chroot([closure + "/activate"], environment: ["IN_NIXOS_ENTER=1"]))
      return []
    } catch {
      return ["activation in the new system: \(error)"]
    }
  }

  private func chroot(_ arguments: [String], environment: [String] = []) -> Command {
    // One PATH for both sides: `chroot` is found in the installer, everything else in the new system.
    let path = "/usr/sbin:/usr/bin:/sbin:/bin:/nix/var/nix/profiles/system/sw/bin:/run/current-system/sw/bin"
    return Command(
      "env",
      ["NIXOS_INSTALL_BOOTLOADER=1", "HOME=/root", "PATH=\(path)"] + environment + ["chroot", target] + arguments,
      timeout: .seconds(600))
  }

  // MARK: The firmware

  /// An entry for the loader at the fallback path, right behind the entry that booted us, so that the appliance is
  /// still asked first. Firmware that takes no entry finds the fallback path by itself (UEFI 2.10, 3.5.1.1).
  private func nameToFirmware() async -> [String] {
    guard let espNumber else { return ["no EFI system partition, so no boot entry"] }
    let label = "Bootstead \(machineName)"
    do {
      let before = BootEntries(listing: try await runner.run(Command("efibootmgr", [])).standardOutput)
      // Entries of earlier installs, also under another name or for a disk that is gone.
      for entry in before.entries where entry.label.hasPrefix("Bootstead ") {
        try await runner.run(Command("efibootmgr", ["--bootnum", entry.number, "--delete-bootnum"]))
      }
      try await runner.run(
        Command(
          "efibootmgr",
          ["--create", "--disk", diskNode, "--part", "\(espNumber)", "--label", label, "--loader", loader]))
      let after = BootEntries(listing: try await runner.run(Command("efibootmgr", [])).standardOutput)
      guard let added = after.entries.first(where: { $0.label == label }) else {
        return ["the firmware did not keep the boot entry; it will find the fallback loader"]
      }
      let order = before.keeping(after.entries).order(adding: added.number)
      try await runner.run(Command("efibootmgr", ["--bootorder", order.joined(separator: ",")]))
      // The restart that ends the install goes straight to the disk. Some firmware (OVMF under QEMU) sorts its own
      // network entries to the front again, and waits minutes for each.
      try await runner.run(Command("efibootmgr", ["--bootnext", added.number]))
      return []
    } catch {
      return ["no boot entry in the firmware, it will find the fallback loader: \(error)"]
    }
  }

  private var loader: String {
    #if arch(arm64)
      #"\EFI\BOOT\BOOTAA64.EFI"#
    #else
      #"\EFI\BOOT\BOOTX64.EFI"#
    #endif
  }
}

extension FileSystemEntry {
  /// True for a link too whose target only exists in a chroot.
  var existsAsLink: Bool { exists || linkTarget != nil }
}
