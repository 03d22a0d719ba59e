/// A script for iPXE. The scripts are files in `netboot/scripts`; only values of types that can hold nothing harmful
/// are written into them.
public struct IPXEScript: Hashable, Sendable, CustomStringConvertible {
  public let text: String

  public var bytes: [UInt8] { Array(text.utf8) }
  public var description: String { text }

  /// The first script of every machine, the same for all of them; served as `autoexec.ipxe` too.
  public static func boot(appliance: ApplianceURL) throws(IPXEValueError) -> IPXEScript {
    try IPXEScript(PackageResources.boot_ipxe, ["APPLIANCE": appliance.text])
  }

  /// Loads the installer.
  public static func install(_ boot: InstallBoot) throws(IPXEValueError) -> IPXEScript {
    try IPXEScript(PackageResources.install_ipxe, boot.values())
  }

  /// Loads the same image with `bootstead.mode=rescue`.
  public static func rescue(_ boot: InstallBoot) throws(IPXEValueError) -> IPXEScript {
    try IPXEScript(PackageResources.rescue_ipxe, boot.values())
  }

  /// Hands over to the machine's own disk.
  public static func localDisk(
    machine: IPXEText, method: LocalDiskMethod = .automatic
  ) throws(IPXEValueError) -> IPXEScript {
    try IPXEScript(PackageResources.local_ipxe, ["NAME": machine.text, "METHOD": method.rawValue])
  }

  /// Holds the machine, says why, and asks the appliance again every few seconds; after so many rounds, or when
  /// somebody presses L, it goes on with the local disk.
  /// - Parameters:
  ///   - advice: what the operator can do.
  ///   - rounds: brought into 1 to 100,000.
  ///   - secondsPerRound: brought into 5 to 3,600.
  public static func hold(
    appliance: ApplianceURL, machine: IPXEText, reason: IPXEText, advice: IPXEText, rounds: Int = 20,
    secondsPerRound: Int = 30
  ) throws(IPXEValueError) -> IPXEScript {
    let seconds = min(max(secondsPerRound, 5), 3600)
    return try IPXEScript(
      PackageResources.hold_ipxe,
      [
        "APPLIANCE": appliance.text, "NAME": machine.text, "REASON": reason.text, "ADVICE": advice.text,
        "ROUNDS": String(min(max(rounds, 1), 100_000)), "SECONDS": String(seconds),
        "MILLISECONDS": String(seconds * 1000),
      ])
  }

  /// Fills the placeholders (`@NAME@`, capital letters between two `@`) of a template in one pass, so that nothing
  /// in a value is ever read as a placeholder.
  init(_ template: [UInt8], _ values: [String: String]) throws(IPXEValueError) {
    let at = UInt8(ascii: "@")
    var result: [UInt8] = []
    var rest = template[...]
    while let start = rest.firstIndex(of: at) {
      result += rest[rest.startIndex..<start]
      let name = rest[rest.index(after: start)...].prefix { (0x41...0x5A).contains($0) }
      guard !name.isEmpty, name.endIndex < rest.endIndex, rest[name.endIndex] == at else {
        throw .unknownPlaceholder(String(decoding: rest[start...].prefix(20), as: UTF8.self))
      }
      let key = String(decoding: name, as: UTF8.self)
      guard let value = values[key] else { throw .unknownPlaceholder(key) }
      result += Array(value.utf8)
      rest = rest[rest.index(after: name.endIndex)...]
    }
    result += rest
    text = String(decoding: result, as: UTF8.self)
  }
}

/// How a machine is sent to its own disk. Firmware differs; the right one is kept for each machine.
public enum LocalDiskMethod: String, Hashable, Sendable, CaseIterable, Codable {
  /// BIOS: the first disk. UEFI: back to the firmware, which goes on in its boot order.
  case automatic
  /// Boots the first BIOS disk from within iPXE.
  case disk
  /// Goes back to the firmware.
  case firmware
}
