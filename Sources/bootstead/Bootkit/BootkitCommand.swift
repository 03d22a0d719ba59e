import ArgumentParser
import BootKit
import Fleet
import Foundation
import Netboot
import NetworkAddress
import OperatorAPI

struct BootkitCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bootkit", abstract: "Write a stick or CD image for machines that cannot boot from the network.",
    discussion: """
      One image for BIOS and UEFI, for a USB stick and for a CD, with iPXE and the appliance's address in it and \
      nothing secret. Copy it to a stick with 'dd if=FILE of=/dev/disk/by-id/usb-… bs=1M conv=fsync', which replaces \
      all that is on the stick, or burn it.
      """)

  @OptionGroup var options: ApplianceOptions
  @Argument(help: "The machine that it is for, by name or MAC address.") var name: String?
  @Flag(help: "For whatever machine it is put into.") var any = false
  @Option(name: .shortAndLong, help: "The file to write.") var output: String
  @Flag(help: "Replace the file where it exists.") var force = false
  @Option(help: "The appliance's address, such as http://192.0.2.2:8080 (default: what the running appliance says).")
  var appliance: String?
  @Option(help: "A fixed address for a network without DHCP, such as 192.0.2.5/24.") var address: String?
  @Option(help: "The router, with --address.") var gateway: String?
  @Option(help: "A name server, with --address. May be repeated.") var dns: [String] = []
  @Option(help: "An iPXE of your own for UEFI, instead of the appliance's. May be repeated.") var efi: [String] = []

  func validate() throws {
    guard any != (name != nil) else { throw ValidationError("name one machine, or give --any") }
    guard address != nil || (gateway == nil && dns.isEmpty) else {
      throw ValidationError("--gateway and --dns belong to --address")
    }
  }

  func run() async throws {
    try await reportingFailures {
      let fixed = try fixedAddress()
      let given = try appliance.map { try ApplianceURL($0) }
      try BootKit.check(target: output, force: force)
      let tools = try KitTools()
      let machine = try await machine()
      let url: ApplianceURL
      if let given { url = given } else { url = try await runningAppliance() }
      let found = try await BootkitLoaders(client: options.client, needsAppliance: !any || given == nil).load(efi: efi)
      let kit = BootKit(
        script: BootKitScript(appliance: url, machine: machine, address: fixed), loaders: found.loaders, tools: tools)
      let bar = ProgressLine()
      let steps = BootKit.Step.allCases
      let result = try await kit.write(to: output, force: force) { step in
        let done = Double(steps.firstIndex(of: step) ?? 0) / Double(steps.count)
        bar.show("boot kit", fraction: done, step.rawValue)
      }
      bar.show("boot kit", fraction: 1, "\(byteText(UInt64(result.size))) in \(output)")
      bar.end()
      try report(result, url, found)
    }
  }

  private func fixedAddress() throws -> FixedAddress? {
    guard let address else { return nil }
    return try FixedAddress(
      address, gateway: gateway.map { try IPv4Address($0) }, nameServers: dns.map { try IPv4Address($0) })
  }

  private func machine() async throws -> BootKitScript.Machine? {
    guard let name else { return nil }
    let detail: MachineDetail = try await options.client.get("/v1/machines/\(pathComponent(name))")
    return try BootKitScript.Machine(name: IPXEText(detail.machine.name.text), addresses: detail.addresses)
  }

  private func runningAppliance() async throws -> ApplianceURL {
    let status: StatusAnswer = try await options.client.get("/v1/status")
    let urls = status.addresses.compactMap { $0.split(separator: " ").first }.map { "http://\($0):\(status.httpPort)" }
    guard let url = urls.first, urls.count == 1 else {
      throw CommandFailure.failed(
        "the appliance has several addresses: choose the one that the machine reaches, by --appliance "
          + urls.joined(separator: " or --appliance "))
    }
    return try ApplianceURL(url)
  }

  private struct Answer: Encodable {
    var file: String
    var size: Int
    var sha256: String
    var appliance: String
    var machine: String?
    var address: String?
    /// Where each loader came from, by what firmware starts.
    var loaders: [String: String]
    /// False where the UEFI build asks DHCP instead of running the kit's script.
    var scriptOnUEFI: Bool
  }

  private func report(_ result: BootKit.Result, _ url: ApplianceURL, _ found: BootkitLoaders.Found) throws {
    let answer = Answer(
      file: result.file, size: result.size, sha256: result.sha256, appliance: url.text, machine: name,
      address: address, loaders: found.origins, scriptOnUEFI: found.loaders.allRunScripts)
    if !answer.scriptOnUEFI {
      printError(
        """
        note: on UEFI machines this iPXE runs no script from the medium: there it asks DHCP, and needs the appliance in \
        the same network\(address == nil ? "" : "; --address has no effect there"). Debian 13's ipxe, or your own build \
        by --efi, reads the kit's script: see docs/bootkit.md.
        """)
    }
    try show(answer, json: options.json) {
      """
      \(result.file) is a boot kit for \(name ?? "any machine"), appliance \(url)
      sha256 \(result.sha256)
      """
    }
  }
}
