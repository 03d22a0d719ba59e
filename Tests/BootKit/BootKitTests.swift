import BootKit
import Foundation
import Netboot
import NetworkAddress
import ProgramTestSupport
import Testing

/// A file that looks like `ipxe.lkrn` from outside.
private func lkrn() -> [UInt8] {
  var bytes = [UInt8](repeating: 0x5A, count: 300_000)
  bytes.replaceSubrange(0x202..<0x206, with: Array("HdrS".utf8))
  return bytes
}

/// A file that looks like an EFI program from outside.
private func efi(machine: UInt16 = 0x8664, text: String = "") -> [UInt8] {
  var bytes = [UInt8](repeating: 0xA5, count: 900_000)
  bytes.replaceSubrange(0..<2, with: Array("MZ".utf8))
  bytes.replaceSubrange(0x3C..<0x40, with: [0x80, 0, 0, 0])
  bytes.replaceSubrange(0x80..<0x86, with: [0x50, 0x45, 0, 0, UInt8(machine & 0xFF), UInt8(machine >> 8)])
  bytes.replaceSubrange(5000..<5000 + text.utf8.count, with: Array(text.utf8))
  return bytes
}

private func loaders(_ more: [(name: String, bytes: [UInt8])] = []) throws -> KitLoaders {
  try KitLoaders(bios: ("ipxe.lkrn", lkrn()), efi: [("ipxe.efi", efi())] + more)
}

private let tools = try? KitTools()

@Suite("The image of a boot kit", .enabled(if: tools != nil, "needs xorriso, mtools, grub-common and grub-pc-bin"))
struct BootKitImageTests {
  private func withKit(
    _ work: (_ image: [UInt8], _ path: String, _ script: BootKitScript) async throws -> Void
  ) async throws {
    let folder = try TemporaryDirectory()
    let script = BootKitScript(appliance: try ApplianceURL("http://192.0.2.10:8080"))
    let path = folder.path + "/kit.img"
    let kit = BootKit(
      script: script, loaders: try loaders([("ipxe-arm64.efi", efi(machine: 0xAA64))]), tools: try KitTools())
    let result = try await kit.write(to: path)
    let image = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    #expect(result.size == image.count && result.sha256.count == 64)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["kit.img"])
    try await work(image, path, script)
  }

  private func number(_ bytes: [UInt8], at place: Int, size: Int) -> Int {
    (0..<size).reduce(0) { $0 | Int(bytes[place + $1]) << (8 * $1) }
  }

  /// First sector of 512 bytes of the partition with the GPT type of an EFI system partition.
  private func systemPartition(_ image: [UInt8]) throws -> Int {
    let table = number(image, at: 512 + 72, size: 8) * 512
    let (count, size) = (number(image, at: 512 + 80, size: 4), number(image, at: 512 + 84, size: 4))
    // C12A7328-F81F-11D2-BA4B-00A0C93EC93B, mixed-endian (UEFI 2.10, appendix A).
    let type: [UInt8] = [
      0x28, 0x73, 0x2A, 0xC1, 0x1F, 0xF8, 0xD2, 0x11, 0xBA, 0x4B, 0x00, 0xA0, 0xC9, 0x3E, 0xC9, 0x3B,
    ]
    let entry = (0..<count).map { table + $0 * size }.first { Array(image[$0..<$0 + 16]) == type }
    return number(image, at: try #require(entry) + 32, size: 8)
  }

  @Test("a stick: boot code and an active partition in its first sector, and a GPT with an EFI system partition")
  func stick() async throws {
    try await withKit { image, _, _ in
      #expect(number(image, at: 510, size: 2) == 0xAA55)
      #expect((0..<4).contains { image[446 + 16 * $0] == 0x80 })
      #expect(image[0..<440].contains { $0 != 0 })
      #expect(Array(image[512..<520]) == Array("EFI PART".utf8))
      // FAT's own signature, and a name that no installed machine's partition has.
      let partition = try systemPartition(image) * 512
      #expect(number(image, at: partition + 510, size: 2) == 0xAA55)
      #expect(image[partition + 446..<partition + 510].allSatisfy { $0 == 0 })
      #expect(image[partition..<partition + 512].contains(Array("BOOTKIT    ".utf8)))
      #expect(!image[partition..<partition + 512].contains(Array("BOOTSTEAD".utf8)))
    }
  }

  @Test("a CD: the boot catalogue has an entry for BIOS and one for UEFI, which is the system partition")
  func bootCatalogue() async throws {
    try await withKit { image, _, _ in
      // ECMA-119 sector 16, and the boot record after it (El Torito 1.0, figures 2 to 7).
      #expect(Array(image[16 * 2048 + 1..<16 * 2048 + 6]) == Array("CD001".utf8))
      #expect(image[17 * 2048..<17 * 2048 + 64].contains(Array("EL TORITO SPECIFICATION".utf8)))
      let catalogue = number(image, at: 17 * 2048 + 0x47, size: 4) * 2048
      #expect(image[catalogue] == 1 && image[catalogue + 1] == 0)
      #expect(image[catalogue + 32] == 0x88)
      let section = catalogue + 64
      #expect(image[section] == 0x91 && image[section + 1] == 0xEF)
      #expect(image[section + 32] == 0x88)
      let partition = try systemPartition(image)
      #expect(number(image, at: section + 32 + 8, size: 4) * 4 == partition)
      // What BIOS starts is GRUB's loader, with iPXE and both scripts beside it.
      let loader = number(image, at: catalogue + 32 + 8, size: 4) * 2048
      #expect(image[loader..<loader + 2048].contains { $0 != 0 })
      #expect(image.contains(Array("set bs-drive 0x80\n".utf8)) && image.contains(Array("set bs-drive 0x81\n".utf8)))
    }
  }

  @Test("the system partition has iPXE under the names that firmware looks for, and the script for it")
  func systemPartitionContent() async throws {
    try await withKit { image, path, script in
      let part = path + "@@\(try systemPartition(image) * 512)"
      for (name, expected) in [
        ("EFI/BOOT/BOOTX64.EFI", efi()), ("EFI/BOOT/BOOTAA64.EFI", efi(machine: 0xAA64)),
        ("autoexec.ipxe", try script.text(for: .cd).bytes), ("EFI/BOOT/autoexec.ipxe", try script.text(for: .cd).bytes),
      ] {
        let copy = path + ".copy"
        let ended = try await TestProgram.run("/usr/bin/mcopy", ["-n", "-i", part, "::/" + name, copy])
        #expect(ended.status == 0, "\(name): \(ended.errors)")
        #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: copy))) == expected, "\(name)")
        try FileManager.default.removeItem(atPath: copy)
      }
    }
  }

  @Test("a file that is there is replaced only by force, and stays whole where the image can not be made")
  func existing() async throws {
    let folder = try TemporaryDirectory()
    let path = folder.path + "/kit.img"
    try Data("precious".utf8).write(to: URL(fileURLWithPath: path))
    let kit = BootKit(
      script: BootKitScript(appliance: try ApplianceURL("http://192.0.2.10:8080")), loaders: try loaders(),
      tools: try KitTools())
    await #expect(throws: BootKitError.exists(path)) { try await kit.write(to: path) }
    let broken = BootKit(
      script: kit.script, loaders: kit.loaders, tools: try failingTools(in: folder.path + "/bin"))
    await #expect(throws: BootKitError.self) { try await broken.write(to: path, force: true) }
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "precious")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["bin", "kit.img"])
    #expect(try await kit.write(to: path, force: true).size > 1 << 20)
  }

  /// All tools, but an xorriso that fails.
  private func failingTools(in folder: String) throws -> KitTools {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try FileManager.default.createSymbolicLink(atPath: folder + "/xorriso", withDestinationPath: "/bin/false")
    return try KitTools(search: [folder, "/usr/bin", "/usr/sbin"])
  }
}

@Suite("What a boot kit is made of")
struct BootKitPartsTests {
  @Test("tools that are missing are named all at once, with their packages")
  func missingTools() {
    #expect(
      throws: BootKitError.missing(
        what: [
          "xorriso", "grub-mkimage", "mformat", "mcopy", "mmd", "/nowhere/boot_hybrid.img", "/nowhere/cdboot.img",
          "/nowhere/linux16.mod",
        ], packages: ["xorriso", "grub-common", "mtools", "grub-pc-bin"])
    ) { try KitTools(search: ["/nowhere"], grubFolder: "/nowhere") }
    #expect(
      BootKitError.missing(what: ["xorriso"], packages: ["xorriso"]).description.contains(
        "apt-get install --no-install-recommends xorriso"))
  }

  @Test("a target that is no plain file, or in no folder, is refused")
  func targets() {
    #expect(throws: BootKitError.notAFile("/dev/null")) { try BootKit.check(target: "/dev/null", force: true) }
    #expect(throws: BootKitError.notAFile("/tmp")) { try BootKit.check(target: "/tmp", force: true) }
    #expect(throws: BootKitError.self) { try BootKit.check(target: "/nowhere/kit.img", force: false) }
  }

  @Test("files that firmware would not start are refused")
  func refusedLoaders() throws {
    var cut = efi()
    cut.replaceSubrange(0x3C..<0x40, with: [0xFF, 0xFF, 0xFF, 0x7F])
    for (bios, efi) in [
      ([UInt8](repeating: 0, count: 4096), efi()), (Array("MZ".utf8), efi()), (lkrn(), []), (lkrn(), cut),
      (lkrn(), Array(efi().prefix(0x82))), (lkrn(), efi(machine: 0x0200)), (lkrn(), lkrn()),
      (lkrn() + [UInt8](repeating: 0, count: 1 << 20), efi()),
    ] {
      #expect(throws: BootKitError.self) { try KitLoaders(bios: ("bios", bios), efi: [("efi", efi)]) }
    }
    #expect(throws: BootKitError.self) { try loaders([("again.efi", efi())]) }
  }

  @Test("a build that looks for autoexec.ipxe runs the kit's script, and one of 2019 does not")
  func scripts() throws {
    let both = try KitLoaders(
      bios: ("ipxe.lkrn", lkrn()),
      efi: [("new.efi", efi(text: "file:autoexec.ipxe")), ("old.efi", efi(machine: 0x014C))])
    #expect(both.efi.map(\.runsScript) == [true, false])
    #expect(both.efi.map(\.fileName) == ["BOOTX64.EFI", "BOOTIA32.EFI"])
    #expect(!both.allRunScripts)
  }
}
