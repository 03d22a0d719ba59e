import ArgumentParser
import DiskLayout
import Fleet
import NetworkAddress

struct MachineAdd: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add", abstract: "Register a machine, which approves one install of it in advance.")

  @OptionGroup var appliance: ApplianceOptions
  @OptionGroup var layout: LayoutOptions

  @Option(help: "A MAC address of the machine, in any usual spelling. May be repeated.")
  var mac: [String]

  @Option(help: "The machine's name: a-z, 0-9 and hyphens.")
  var name: String

  @Option(help: "Its SMBIOS UUID, as further evidence.")
  var uuid: String?

  @Option(help: "The node's role, such as docker-host.")
  var role: String?

  @Option(help: "A container stack for the node. May be repeated.")
  var stack: [String] = []

  @Option(help: "The store path of the NixOS system to install.")
  var closure: String?

  @Option(help: "The boot image that installs it.")
  var image: String?

  @Option(help: "The serial number of a disk that may be erased although it is not blank. May be repeated.")
  var wipe: [String] = []

  @Flag(
    help: "Begin no install before the code on its screen was compared: bootstead machine approve NAME --code CODE.")
  var compareCode = false

  @Option(help: "Minutes for which the first install stays armed.")
  var window: Int = 7 * 24 * 60

  func run() async throws {
    try await reportingFailures {
      var spec = LayoutSpec()
      try layout.apply(to: &spec)
      var request = AddMachine(name: try MachineName(name), addresses: try mac.map { try MACAddress($0) }, layout: spec)
      request.uuid = try uuid.map { try SystemUUID($0) }
      request.role = role
      request.stacks = stack
      request.closure = closure
      request.image = image
      request.consents = wipe
      request.comparesCode = compareCode
      request.window = Double(window) * 60
      let added: MachineDetail = try await appliance.client.send("POST", "/v1/machines", request)
      try show(added, json: appliance.json) {
        "\(added.machine.name) is \(added.machine.state.rawValue): boot it from the network, then: bootstead watch \(added.machine.name)"
      }
    }
  }
}
