import ArgumentParser
import BootDecision
import DiskLayout
import Fleet
import Foundation
import NetworkAddress

struct MachineSet: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set", abstract: "Change what a machine is or gets; an empty value clears.")

  @OptionGroup var appliance: ApplianceOptions
  @OptionGroup var layout: LayoutOptions
  @Argument(help: "The machine's name or a MAC address of it.") var name: String

  @Option(help: "A further MAC address. May be repeated.") var addMac: [String] = []
  @Option(help: "A MAC address that is gone. May be repeated.") var removeMac: [String] = []
  @Option(help: "Its SMBIOS UUID.") var uuid: String?
  @Option(help: "The node's role.") var role: String?
  @Option(help: "All container stacks, comma separated.") var stacks: String?
  @Option(help: "The store path of the NixOS system to install.") var closure: String?
  @Option(help: "The boot image that installs it.") var image: String?
  @Option(help: "What its next boot does, once: rescue.") var nextBoot: String?
  @Option(help: "Never answer it: true or false.") var blocked: Bool?
  @Option(help: "Changes of its hardware that hold an install: drift, smart, read-test, comma separated.")
  var holdOn: String?
  @Option(help: "The form of offer its firmware takes: auto, direct, binl or menu.") var offerStyle: String?
  @Option(help: "Milliseconds to wait before an offer, 0 to 2000.") var replyDelay: Int?
  @Option(help: "The boot loader instead of the usual one for its architecture.") var loader: String?

  func run() async throws {
    try await reportingFailures {
      let client = appliance.client
      let path = "/v1/machines/\(pathComponent(name))"
      let current: MachineDetail = try await client.get(path)
      var request = SetMachine()
      request.addAddresses = try addMac.map { try MACAddress($0) }
      request.removeAddresses = try removeMac.map { try MACAddress($0) }
      request.uuid = uuid
      request.role = role
      request.stacks = stacks.map { $0.split(separator: ",").map(String.init) }
      request.closure = closure
      request.image = image
      request.nextBoot = nextBoot
      request.blocked = blocked
      request.holdOn = try holdOn.map(hardwareHolds)
      if !layout.isEmpty {
        var spec = current.machine.layout
        try layout.apply(to: &spec)
        request.layout = spec
      }
      request.quirks = try quirks(changing: current.machine.quirks)
      let detail: MachineDetail = try await client.send("PATCH", path, request)
      try show(detail, json: appliance.json) { "\(detail.machine.name) is set" }
    }
  }

  private func quirks(changing current: MachineQuirks) throws -> MachineQuirks? {
    guard offerStyle != nil || replyDelay != nil || loader != nil else { return nil }
    var style = current.offerStyle
    if let offerStyle {
      style = OfferStyle(rawValue: offerStyle)
      guard style != nil || offerStyle == "auto" else {
        throw ValidationError("--offer-style '\(offerStyle)' is not auto, direct, binl or menu")
      }
    }
    if let replyDelay, !(0...2000).contains(replyDelay) {
      throw ValidationError("--reply-delay \(replyDelay) is not between 0 and 2000 milliseconds")
    }
    let chosen = try loader.map { $0.isEmpty ? nil : try LoaderName($0) } ?? current.loader
    return MachineQuirks(offerStyle: style, replyDelay: replyDelay ?? current.replyDelay, loader: chosen)
  }
}

/// A text as one component of a URL's path.
func pathComponent(_ text: String) -> String {
  text.utf8.map { byte in
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
      String(UnicodeScalar(byte))
    default: "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
  }.joined()
}
