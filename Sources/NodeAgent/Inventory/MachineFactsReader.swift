import AgentProtocol
import Glibc
import NetworkAddress
import NodeFiles

extension InventoryReader {
  func processor() -> MachineInventory.Processor {
    let lines = entry("proc/cpuinfo").text(limit: 4 << 20)?.split(separator: "\n") ?? []
    func values(_ key: String) -> [String] {
      lines.compactMap { line in
        let pair = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard pair.count == 2, Self.trimmed(pair[0]) == key else { return nil }
        return Self.trimmed(pair[1])
      }
    }
    // A core is one pair of package and core number.
    let cores = Set(zip(values("physical id"), values("core id")).map { "\($0)/\($1)" }).count
    return MachineInventory.Processor(
      model: values("model name").first, architecture: Self.architecture(), threads: values("processor").count,
      cores: cores == 0 ? nil : cores)
  }

  private static func trimmed(_ text: Substring) -> String {
    var text = text
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return String(text.drop(while: \.isWhitespace))
  }

  private static func architecture() -> String {
    var name = utsname()
    guard uname(&name) == 0 else { return "" }
    return withUnsafePointer(to: &name.machine) { pointer in
      pointer.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: pointer.pointee)) {
        String(cString: $0)
      }
    }
  }

  func memory() -> UInt64 {
    for line in entry("proc/meminfo").text()?.split(separator: "\n") ?? [] where line.hasPrefix("MemTotal:") {
      let fields = line.split(separator: " ")
      if fields.count >= 2, let kibibytes = UInt64(fields[1]), kibibytes < 1 << 50 { return kibibytes * 1024 }
    }
    return 0
  }

  func firmware() -> MachineInventory.Firmware {
    let efi = entry("sys/firmware/efi")
    let vendor = dmi("bios_vendor")
    let version = dmi("bios_version")
    guard efi.exists else { return MachineInventory.Firmware(kind: .bios, vendor: vendor, version: version) }
    // Four bytes of attributes, then the value (kernel documentation, efivarfs). UEFI 2.10, 3.3: SecureBoot and SetupMode.
    func flag(_ name: String) -> Bool? {
      let bytes = efi.appending("efivars/\(name)-8be4df61-93ca-11d2-aa0d-00e098032b8c").bytes(limit: 16)
      guard let bytes, bytes.count >= 5 else { return nil }
      return bytes[4] == 1
    }
    let secureBoot: MachineInventory.Firmware.SecureBoot =
      switch (flag("SecureBoot"), flag("SetupMode")) {
      case (true?, _): .enabled
      case (_, true?): .setupMode
      case (false?, _): .disabled
      case (nil, _): .unsupported
      }
    return MachineInventory.Firmware(
      kind: .uefi, uefiBits: efi.appending("fw_platform_size").number.flatMap { Int(exactly: $0) },
      secureBoot: secureBoot, vendor: vendor, version: version)
  }

  func tpmVersion() -> String? {
    let tpm = entry("sys/class/tpm/tpm0")
    guard tpm.exists else { return nil }
    return tpm.appending("tpm_version_major").number == 1 ? "1.2" : "2.0"
  }

  func product() -> MachineInventory.Product {
    MachineInventory.Product(
      vendor: dmi("sys_vendor"), name: dmi("product_name"), version: dmi("product_version"),
      serial: dmi("product_serial"), uuid: dmi("product_uuid").flatMap { try? SystemUUID($0) },
      boardVendor: dmi("board_vendor"), boardName: dmi("board_name"), boardSerial: dmi("board_serial"))
  }

  /// What board makers leave in the fields that nobody filled in.
  private static let placeholders: Set<String> = [
    "to be filled by o.e.m.", "to be filled by o.e.m", "default string", "system product name",
    "system manufacturer", "system version", "system serial number", "not specified", "not applicable", "none",
    "o.e.m.", "oem", "n/a", "123456789", "0123456789", "0", "00000000", "invalid", "unknown",
  ]

  private func dmi(_ name: String) -> String? {
    guard let value = entry("sys/class/dmi/id/\(name)").line, !Self.placeholders.contains(value.lowercased()) else {
      return nil
    }
    return value
  }

  func interfaces() -> [MachineInventory.NetworkInterface] {
    let network = entry("sys/class/net")
    return network.children.compactMap { name in
      let interface = network.appending(name)
      // Bridges, bonds, tunnels and the loopback have no device behind them.
      guard interface.appending("device").exists, interface.appending("type").number == 1,
        let text = interface.appending("bonding_slave/perm_hwaddr").line ?? interface.appending("address").line,
        let mac = try? MACAddress(text)
      else { return nil }
      let hasLink = interface.appending("carrier").number == 1
      let speed = interface.appending("speed").number.flatMap { Int(exactly: $0) }
      // virtio puts a device of its own between the PCI device and the interface.
      let address = interface.appending("device").resolved?.split(separator: "/").last { part in
        part.utf8.count == 12 && part.split(separator: ":").count == 3 && part.contains(".")
      }
      return MachineInventory.NetworkInterface(
        name: name, mac: mac, driver: interface.appending("device/driver").linkTarget.map { FileSystemEntry($0).name },
        hasLink: hasLink,
        // Without a link, and for virtio, drivers give -1 or its 32-bit form.
        speedMegabits: hasLink ? speed.flatMap { (1..<10_000_000).contains($0) ? $0 : nil } : nil,
        busAddress: address.map(String.init))
    }
  }
}
