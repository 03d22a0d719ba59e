import ArgumentParser
import DiskLayout
import Fleet

struct MachineApprove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "approve", abstract: "Let a machine that waits be installed, once.",
    discussion: """
      Compare the code on the machine's screen with the one that 'bootstead machine show' prints, and give it with \
      --code. Without it the machine is trusted on first use.
      """)

  @OptionGroup var appliance: ApplianceOptions
  @OptionGroup var layout: LayoutOptions
  @Argument(help: "The machine's name or a MAC address of it.") var name: String

  @Option(help: "The code as you read it on the machine's screen.") var code: String?
  @Option(name: .customLong("as"), help: "A new name for it.") var newName: String?
  @Option(help: "The node's role.") var role: String?
  @Option(help: "A container stack for the node. May be repeated.") var stack: [String] = []
  @Option(help: "The store path of the NixOS system to install.") var closure: String?
  @Option(help: "The serial number of a disk that may be erased although it is not blank. May be repeated.")
  var wipe: [String] = []
  @Flag(help: "The machine that asks is the recorded one, whatever hardware it shows; --code says so too.")
  var acceptHardware = false
  @Option(help: "Minutes for which the install stays armed.") var window: Int = 60

  func run() async throws {
    try await reportingFailures {
      let client = appliance.client
      var request = ApproveMachine()
      request.code = code
      request.rename = try newName.map { try MachineName($0) }
      request.role = role
      request.stacks = stack
      request.closure = closure
      request.consents = wipe
      request.window = Double(window) * 60
      request.acceptsHardware = acceptHardware
      if !layout.isEmpty {
        let current: MachineDetail = try await client.get("/v1/machines/\(pathComponent(name))")
        var spec = current.machine.layout
        try layout.apply(to: &spec)
        request.layout = spec
      }
      let detail: MachineDetail = try await client.send("POST", "/v1/machines/\(pathComponent(name))/approve", request)
      try show(detail, json: appliance.json) {
        "\(detail.machine.name) is \(detail.machine.state.rawValue): bootstead watch \(detail.machine.name)"
      }
    }
  }
}
