import Crypto
import Foundation
public import Netboot

/// An image that starts iPXE on a machine which cannot boot from the network: one file for BIOS and UEFI, for a USB
/// stick and for a CD.
///
/// BIOS firmware starts GRUB, from the master boot record of a stick or from the boot catalogue of a CD; GRUB starts
/// `ipxe.lkrn` with the kit's script. UEFI firmware starts iPXE from the EFI system partition, which the GPT of a stick
/// and the boot catalogue of a CD both name.
public struct BootKit: Sendable {
  public enum Step: String, Sendable, CaseIterable {
    case partition = "EFI system partition"
    case loader = "BIOS loader"
    case image = "image"
  }

  /// What was written.
  public struct Result: Codable, Sendable, Equatable {
    public var file: String
    /// Bytes.
    public var size: Int
    /// Of the whole file, lower-case hexadecimal digits.
    public var sha256: String
  }

  /// The image's ISO 9660 label.
  public static let label = "BOOTSTEAD_KIT"
  /// The FAT label of its EFI system partition. It is not the `BOOTSTEAD` of an installed machine's, which boot loaders and
  /// nodes look for while the kit is still plugged in.
  public static let systemPartitionLabel = "BOOTKIT"

  public let script: BootKitScript
  public let loaders: KitLoaders
  public let tools: KitTools

  public init(script: BootKitScript, loaders: KitLoaders, tools: KitTools) {
    (self.script, self.loaders, self.tools) = (script, loaders, tools)
  }

  /// Refuses a target before any work is done.
  public static func check(target: String, force: Bool) throws(BootKitError) {
    var isFolder: ObjCBool = false
    let parent = URL(fileURLWithPath: target).deletingLastPathComponent().path
    guard FileManager.default.fileExists(atPath: parent, isDirectory: &isFolder), isFolder.boolValue else {
      throw .unwritable(path: target, reason: "there is no folder \(parent)")
    }
    guard let attributes = try? FileManager.default.attributesOfItem(atPath: target) else { return }
    guard attributes[.type] as? FileAttributeType == .typeRegular else { throw .notAFile(target) }
    guard force else { throw .exists(target) }
  }

  /// Writes the image: `target` is whole and durable when this returns, and as it was before where this throws.
  public func write(
    to target: String, force: Bool = false, progress: (Step) -> Void = { _ in }
  ) async throws(BootKitError) -> Result {
    try Self.check(target: target, force: force)
    let folder = "\(target).new-\(UInt32.random(in: 0...UInt32.max))"
    do {
      try FileManager.default.createDirectory(atPath: folder + "/root/kit", withIntermediateDirectories: true)
    } catch {
      throw .unwritable(path: folder, reason: "\(error.localizedDescription)")
    }
    defer { try? FileManager.default.removeItem(atPath: folder) }
    progress(.partition)
    try await makePartition(in: folder)
    progress(.loader)
    try await makeLoader(in: folder)
    progress(.image)
    try await makeImage(in: folder)
    return try publish(folder + "/image", as: target)
  }

  // MARK: UEFI

  private func makePartition(in folder: String) async throws(BootKitError) {
    let script = try text(for: .cd)
    let content = loaders.efi.reduce(0) { $0 + $1.bytes.count }
    // Tracks of 16 KiB; FAT's tables, folders and the scripts take less than 256 KiB.
    let tracks = (content + (256 << 10) + (16 << 10) - 1) / (16 << 10)
    try await tools.run(
      "mformat",
      [
        "-C", "-i", "esp", "-T", "\(tracks * 32)", "-h", "1", "-s", "32", "-N", "0", "-v", Self.systemPartitionLabel,
        "::",
      ],
      in: folder)
    try clearPartitionTable(folder + "/esp")
    try await tools.run("mmd", ["-i", "esp", "::/EFI", "::/EFI/BOOT"], in: folder)
    for loader in loaders.efi {
      try write(loader.bytes, folder + "/" + loader.fileName)
      try await tools.run("mcopy", ["-i", "esp", loader.fileName, "::/EFI/BOOT/\(loader.fileName)"], in: folder)
    }
    // iPXE looks at the medium's root, newer builds beside themselves first.
    try write(script, folder + "/autoexec.ipxe")
    for place in ["::/autoexec.ipxe", "::/EFI/BOOT/autoexec.ipxe"] {
      try await tools.run("mcopy", ["-i", "esp", "autoexec.ipxe", place], in: folder)
    }
  }

  /// mformat leaves a partition table in the first sector of its file system, and firmware takes that for a disk inside of
  /// the partition (seen in OVMF: `HD(1,MBR,0x0,…)` below the CD).
  private func clearPartitionTable(_ path: String) throws(BootKitError) {
    do {
      let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
      defer { try? file.close() }
      try file.seek(toOffset: 446)
      try file.write(contentsOf: Data(count: 64))
    } catch {
      throw .unwritable(path: path, reason: "\(error.localizedDescription)")
    }
  }

  // MARK: BIOS

  private func makeLoader(in folder: String) async throws(BootKitError) {
    let files = folder + "/root/kit"
    try write(loaders.bios, files + "/ipxe.krn")
    for medium in BootKitScript.Medium.allCases { try write(try text(for: medium), "\(files)/\(medium.rawValue).ipx") }
    try write(Array("Bootstead boot kit for \(script.appliance)\n".utf8), files + "/bootstead.kit")
    // GRUB names what the BIOS booted by the BIOS's number: hd0 for the stick, a high one for a CD.
    let menu = """
      if regexp '^\\(hd0' "$cmdpath"; then set medium=disk; else set medium=cd; fi
      linux16 /kit/ipxe.krn
      initrd16 /kit/$medium.ipx
      boot

      """
    try write(Array(menu.utf8), files + "/grub.cfg")
    let early = """
      search --no-floppy --file --set=root /kit/bootstead.kit
      set prefix=($root)/kit
      normal ($root)/kit/grub.cfg

      """
    try write(Array(early.utf8), folder + "/early.cfg")
    try await tools.run(
      "grub-mkimage",
      [
        "-d", tools.grubFolder, "-O", "i386-pc-eltorito", "-o", "root/kit/grub.img", "-p", "/kit", "-c", "early.cfg",
        "biosdisk", "iso9660", "search", "search_fs_file", "linux16", "regexp", "test", "minicmd", "boot", "normal",
      ], in: folder)
  }

  // MARK: Both

  private func makeImage(in folder: String) async throws(BootKitError) {
    try await tools.run(
      "xorriso",
      [
        "-as", "mkisofs", "-quiet", "-V", Self.label, "-o", "image",
        // A stick: GRUB's first sector, and a GPT whose second partition is the EFI system partition. Some BIOSes start
        // nothing without an active partition.
        "--grub2-mbr", "\(tools.grubFolder)/boot_hybrid.img", "--mbr-force-bootable", "-partition_offset", "16",
        "-append_partition", "2", "C12A7328-F81F-11D2-BA4B-00A0C93EC93B", "esp", "-appended_part_as_gpt",
        // A CD: the boot catalogue's entries for BIOS and UEFI.
        "-c", "/kit/boot.cat", "-b", "kit/grub.img", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table",
        "--grub2-boot-info", "-eltorito-alt-boot", "-e", "--interval:appended_partition_2:all::", "-no-emul-boot",
        "root",
      ], in: folder)
  }

  private func text(for medium: BootKitScript.Medium) throws(BootKitError) -> [UInt8] {
    do { return try script.text(for: medium).bytes } catch {
      throw .notALoader(path: "the kit's script", reason: "\(error)")
    }
  }

  private func write(_ bytes: [UInt8], _ path: String) throws(BootKitError) {
    do { try Data(bytes).write(to: URL(fileURLWithPath: path)) } catch {
      throw .unwritable(path: path, reason: "\(error.localizedDescription)")
    }
  }

  private func publish(_ made: String, as target: String) throws(BootKitError) -> Result {
    func failure(_ path: String) -> BootKitError {
      .unwritable(path: path, reason: String(cString: strerror(errno)))
    }
    guard let data = FileManager.default.contents(atPath: made) else {
      throw .unreadable(path: made, reason: "xorriso left no image")
    }
    let file = open(made, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw failure(made) }
    defer { close(file) }
    guard fsync(file) == 0, rename(made, target) == 0 else { throw failure(target) }
    // The name is durable only when the folder is.
    let folder = open(
      URL(fileURLWithPath: target).deletingLastPathComponent().path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { throw failure(target) }
    defer { close(folder) }
    guard fsync(folder) == 0 else { throw failure(target) }
    let digest = SHA256.hash(data: data).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    return Result(file: target, size: data.count, sha256: digest)
  }
}
