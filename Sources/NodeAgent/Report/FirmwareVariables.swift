import Glibc
import NetworkAddress
import NodeFiles

/// UEFI's boot variables as efivarfs shows them: no tool has to be installed on the node for them.
struct FirmwareVariables: Sendable {
  /// EFI_GLOBAL_VARIABLE (UEFI 2.10, 3.3).
  private static let global = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
  private let folder: FileSystemEntry

  init(root: String = "") { folder = FileSystemEntry(root + "/sys/firmware/efi/efivars") }

  /// A boot option that starts from the network.
  struct NetworkEntry: Sendable, Hashable {
    var number: UInt16
    var label: String
    var mac: MACAddress?
  }

  /// False on a machine that BIOS started, and where efivarfs is not mounted.
  var exist: Bool { folder.children.contains { $0.hasPrefix("Boot") } }

  /// The network entries, those first that the firmware tries first.
  var networkEntries: [NetworkEntry] {
    let order = value("BootOrder").map { bytes in
      stride(from: 0, to: bytes.count - 1, by: 2).map { UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8 }
    }
    let numbers = folder.children.compactMap { name -> UInt16? in
      guard name.hasSuffix("-" + Self.global), name.hasPrefix("Boot"), name.utf8.count == 8 + 1 + Self.global.utf8.count
      else { return nil }
      return UInt16(name.dropFirst(4).prefix(4), radix: 16)
    }
    let ordered = (order ?? []).filter(numbers.contains) + numbers.sorted().filter { !(order ?? []).contains($0) }
    return ordered.compactMap { number in
      value(Self.name(number)).flatMap { Self.networkEntry(number, $0) }
    }
  }

  /// Has the firmware start from this entry, once.
  func setNext(_ number: UInt16) throws(FileError) {
    let path = folder.appending("BootNext-" + Self.global).path
    // Non-volatile, for boot services and the running system (UEFI 2.10, 8.2); one write makes the variable.
    let content: [UInt8] = [7, 0, 0, 0, UInt8(number & 0xff), UInt8(number >> 8)]
    let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw FileError("open", path, error: errno) }
    defer { close(descriptor) }
    guard write(descriptor, content, content.count) == content.count else {
      throw FileError("write", path, error: errno)
    }
  }

  private static func name(_ number: UInt16) -> String {
    let digits = String(number, radix: 16, uppercase: true)
    return "Boot" + String(repeating: "0", count: 4 - digits.count) + digits
  }

  /// Without the four bytes of attributes in front.
  private func value(_ name: String) -> [UInt8]? {
    guard let bytes = folder.appending(name + "-" + Self.global).bytes(), bytes.count >= 4 else { return nil }
    return Array(bytes.dropFirst(4))
  }

  /// EFI_LOAD_OPTION (UEFI 2.10, 3.1.3): attributes, length of the device path, a label in UTF-16, the device path.
  static func networkEntry(_ number: UInt16, _ option: [UInt8]) -> NetworkEntry? {
    guard option.count >= 8, option[0] & 1 == 1 else { return nil }
    let length = Int(option[4]) | Int(option[5]) << 8
    var position = 6
    var label: [UInt16] = []
    while true {
      guard position + 2 <= option.count else { return nil }
      let unit = UInt16(option[position]) | UInt16(option[position + 1]) << 8
      position += 2
      if unit == 0 { break }
      label.append(unit)
    }
    let end = min(option.count, position + length)
    var mac: MACAddress?
    var isNetwork = false
    // Nodes of type, subtype and length (UEFI 2.10, 10.3.1); 0x7f ends the path. Type 3 are messages: 11 a MAC address,
    // 12 and 13 IPv4 and IPv6, 24 a URI.
    while position + 4 <= end, option[position] != 0x7f {
      let size = Int(option[position + 2]) | Int(option[position + 3]) << 8
      guard size >= 4, position + size <= end else { return nil }
      if option[position] == 3 {
        if option[position + 1] == 11, size >= 10 {
          mac = MACAddress(bytes: Array(option[position + 4..<position + 10]))
          isNetwork = true
        }
        if [12, 13].contains(option[position + 1]) { isNetwork = true }
      }
      position += size
    }
    return isNetwork ? NetworkEntry(number: number, label: String(decoding: label, as: UTF16.self), mac: mac) : nil
  }
}
