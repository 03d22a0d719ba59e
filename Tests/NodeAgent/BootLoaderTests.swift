import ProgramRunner
import NodeAgent
import Synchronization
import Testing

@Suite("Boot loader")
struct BootLoaderTests {
  /// efibootmgr 17 on OVMF, after a boot from the network.
  static let listing = """
    BootCurrent: 0003
    Timeout: 0 seconds
    BootOrder: 0000,0001,0003,0002
    Boot0000* UiApp\tFvVol(7cb8bdc9-f8eb-4f34-aaea-3ee4af6516a1)/FvFile(462caa21-7614-4503-836e-8ab6f4662331)
    Boot0001* UEFI Misc Device\tPciRoot(0x0)/Pci(0x3,0x0)
    Boot0002* Bootstead node1\tHD(2,GPT,11111111-2222-3333-4444-555555555555)/File(\\EFI\\BOOT\\BOOTX64.EFI)
    Boot0003* UEFI PXEv4 (MAC:525400123456)\tPciRoot(0x0)/Pci(0x2,0x0)/MAC(525400123456,1)/IPv4(0.0.0.0,0,DHCP)
    Boot0004  EFI Internal Shell\tFvVol(7cb8bdc9)
    """

  @Test("the firmware's entries are read")
  func listing() {
    let entries = BootEntries(listing: Self.listing)
    #expect(entries.current == "0003")
    #expect(entries.order == ["0000", "0001", "0003", "0002"])
    #expect(entries.entries.map(\.number) == ["0000", "0001", "0002", "0003", "0004"])
    #expect(entries.entries[2].label == "Bootstead node1")
    #expect(entries.entries[4].label == "EFI Internal Shell")
  }

  @Test(
    "what is no listing gives no entries", arguments: ["", "EFI variables are not supported on this system.", "Boot"])
  func noListing(text: String) {
    let entries = BootEntries(listing: text)
    #expect(entries.current == nil)
    #expect(entries.order.isEmpty)
    #expect(entries.entries.isEmpty)
  }

  @Test(
    "the entry that booted us stays first, ours comes behind it",
    arguments: [
      ("BootCurrent: 0003\nBootOrder: 0000,0001,0003", "0003,0009,0000,0001"),
      ("BootCurrent: 0003\nBootOrder: 0009,0003,0000", "0003,0009,0000"),
      ("BootCurrent: 0007\nBootOrder: 0000", "0007,0009,0000"), ("BootOrder: 0000,0001", "0000,0009,0001"),
      ("", "0009"), ("BootCurrent: 0009\nBootOrder: 0009,0001", "0009,0001"),
    ])
  func order(listing: String, expected: String) {
    #expect(BootEntries(listing: listing).order(adding: "0009").joined(separator: ",") == expected)
  }

  @Test("entries that are gone, or whose number another entry took, are in no order")
  func keeping() {
    let before = BootEntries(listing: Self.listing)
    let present = BootEntries(
      listing: "Boot0001* UEFI Misc Device\nBoot0002* Bootstead node9\nBoot0003* UEFI PXEv4 (MAC:525400123456)"
    ).entries
    #expect(before.keeping(present).order(adding: "0002") == ["0003", "0002", "0001"])
    #expect(before.keeping([]).order(adding: "0009") == ["0009"])
    var fromDisk = before
    fromDisk.current = "0002"
    #expect(fromDisk.keeping(present).order(adding: "0002") == ["0001", "0002", "0003"])
  }

  /// A firmware that keeps entries as efibootmgr sets them.
  final class Firmware: Sendable {
    let entries: Mutex<[String: String]>
    let order: Mutex<[String]>

    init(_ entries: [String: String], order: [String]) {
      self.entries = Mutex(entries)
      self.order = Mutex(order)
    }

    func run(_ arguments: [String]) throws(CommandFailure) -> CommandOutput {
      func value(_ option: String) -> String? {
        arguments.firstIndex(of: option).flatMap { $0 + 1 < arguments.count ? arguments[$0 + 1] : nil }
      }
      let known = entries.withLock { $0 }
      if let label = value("--label") {
        let free = (0...99).map { "00" + ($0 < 10 ? "0" : "") + String($0) }.first { known[$0] == nil } ?? ""
        entries.withLock { $0[free] = label }
      } else if arguments.contains("--delete-bootnum"), let number = value("--bootnum") {
        entries.withLock { $0[number] = nil }
        order.withLock { $0.removeAll { $0 == number } }
      } else if let wanted = value("--bootorder")?.split(separator: ",").map(String.init) {
        guard wanted.allSatisfy({ known[$0] != nil }) else {
          throw CommandFailure(command: "efibootmgr", ending: .exited(8), lastLines: ["Boot entry does not exist"])
        }
        order.withLock { $0 = wanted }
      }
      let list = entries.withLock { $0 }.sorted { $0.key < $1.key }.map { "Boot\($0.key)* \($0.value)" }
      let order = order.withLock { $0.joined(separator: ",") }
      return CommandOutput(standardOutput: (["BootOrder: " + order] + list).joined(separator: "\n"))
    }
  }

  @Test("lost entries are made anew, and old ones of ours go, whatever they were called")
  func lostAndOld() async throws {
    for (entries, order, expected) in [
      ([:], [], ["0000"]),
      (["0000": "UEFI PXEv4"], [], ["0001"]),
      (
        ["0000": "UEFI PXEv4", "0001": "Bootstead node1", "0002": "Bootstead node1", "0003": "Bootstead old"],
        ["0001", "0000", "0003", "0007"], ["0000", "0001"]
      ),
    ] as [([String: String], [String], [String])] {
      let folder = try TemporaryFolder()
      try folder.write("", to: "/sys/firmware/efi/fw_vendor")
      let firmware = Firmware(entries, order: order)
      let runner = FakeRunner { command throws(CommandFailure) in
        command.program == "efibootmgr" ? try firmware.run(command.arguments) : CommandOutput()
      }
      #expect(try await step(folder.path, runner).run().isEmpty)
      let labels = firmware.entries.withLock { $0.values.filter { $0.hasPrefix("Bootstead") } }
      #expect(labels == ["Bootstead node1"])
      #expect(firmware.order.withLock { $0 } == expected)
    }
  }

  private func step(_ root: String, _ runner: FakeRunner) -> BootLoaderStep {
    BootLoaderStep(
      target: root + "/mnt", diskNode: "/dev/vda", machineName: "node1", closure: Sample.closure, espNumber: 2,
      runner: runner, root: root)
  }

  @Test("on BIOS the closure's own boot loader is installed and no firmware is asked")
  func bios() async throws {
    let folder = try TemporaryFolder()
    let runner = FakeRunner()
    let notes = try await step(folder.path, runner).run()
    #expect(notes.isEmpty)
    let target = folder.path + "/mnt"
    let mounts = runner.lines.filter { $0.hasPrefix("mount ") }
    #expect(mounts.contains("mount --bind /dev \(target)/dev"))
    #expect(mounts.contains("mount --bind /proc \(target)/proc"))
    #expect(mounts.contains("mount --bind /sys \(target)/sys"))
    let install = try #require(runner.lines.first { $0.contains("switch-to-configuration") })
    #expect(install.hasPrefix("env NIXOS_INSTALL_BOOTLOADER=1 "))
    #expect(install.hasSuffix("chroot \(target) /nix/var/nix/profiles/system/bin/switch-to-configuration boot"))
    #expect(!runner.lines.contains { $0.hasPrefix("efibootmgr") })
  }

  @Test("a closure with an activation script has it run first, and its exit code does not matter")
  func activation() async throws {
    let folder = try TemporaryFolder()
    try folder.write("", to: "/mnt\(Sample.closure)/activate")
    let runner = FakeRunner { command throws(CommandFailure) in
      if command.arguments.last?.hasSuffix("/activate") == true {
        throw CommandFailure(command: "activate", ending: .exited(2))
      }
      return CommandOutput()
    }
    let notes = try await step(folder.path, runner).run()
    #expect(notes.count == 1)
    let inside = runner.lines.filter { $0.contains(" chroot ") }
    #expect(inside.count == 2)
    #expect(inside.first?.hasSuffix("\(Sample.closure)/activate") == true)
    #expect(inside.first?.contains("IN_NIXOS_ENTER=1") == true)
  }

  @Test("on UEFI the old entry of the same name goes, the new one comes behind the one that booted us")
  func uefi() async throws {
    let folder = try TemporaryFolder()
    try folder.write("", to: "/sys/firmware/efi/fw_vendor")
    let runner = FakeRunner { command in
      command.program == "efibootmgr" ? CommandOutput(standardOutput: Self.listing) : CommandOutput()
    }
    let notes = try await step(folder.path, runner).run()
    #expect(notes.isEmpty)
    let calls = runner.lines.filter { $0.hasPrefix("efibootmgr") }
    #expect(
      calls == [
        "efibootmgr", "efibootmgr --bootnum 0002 --delete-bootnum",
        #"efibootmgr --create --disk /dev/vda --part 2 --label Bootstead node1 --loader \EFI\BOOT\BOOTX64.EFI"#,
        "efibootmgr", "efibootmgr --bootorder 0003,0002,0000,0001",
        "efibootmgr --bootnext 0002",
      ])
  }

  @Test("a firmware that takes no entries is noted, not fatal")
  func uefiWithoutVariables() async throws {
    let folder = try TemporaryFolder()
    try folder.write("", to: "/sys/firmware/efi/fw_vendor")
    let runner = FakeRunner { command throws(CommandFailure) in
      if command.program == "efibootmgr" {
        throw CommandFailure(command: "efibootmgr", ending: .exited(5), lastLines: ["No space left on device"])
      }
      return CommandOutput()
    }
    let notes = try await step(folder.path, runner).run()
    #expect(notes.first?.contains("No space left on device") == true)
  }
}
