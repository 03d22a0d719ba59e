import AgentProtocol
import ArgumentParser
import Fleet
import Foundation
import NetworkAddress

struct RebuildCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "rebuild", abstract: "Make a machine's system anew at its next network boot, and keep its data.",
    discussion: """
      Prints first what it will do, and asks. The agent compares the machine with the record before it writes anything, \
      and stops where something differs.
      """)

  @OptionGroup var appliance: ApplianceOptions
  @OptionGroup var consent: OperatorConsent
  @Argument(help: "The machine's name or a MAC address of it.") var name: String

  @Option(help: "OLD=NEW: a recorded disk is gone, and another is in its place; serial numbers or stable ids. Again.")
  var replaceDisk: [String] = []
  @Option(help: "[OLD=]NEW: a network card or the board was replaced. May be repeated.")
  var replaceMac: [String] = []
  @Option(help: "A recorded disk whose data may be lost, by serial number. May be repeated.")
  var loseData: [String] = []
  @Option(help: "A disk put in by --replace-disk that may be erased although it is not blank. May be repeated.")
  var wipe: [String] = []
  @Flag(help: "A damaged thin pool may be repaired, after its metadata was saved.") var repairPool = false
  @Option(help: "How much of the data is read to compare it: sampled or full.") var fingerprint = "sampled"
  @Flag(help: "The machine that asks is the recorded one, whatever hardware it shows.") var acceptHardware = false
  @Flag(
    help: "Begin nothing before the code on its screen was compared: bootstead machine approve NAME --code CODE.")
  var compareCode = false
  @Option(help: "The store path of another NixOS system than the recorded one.") var closure: String?
  @Flag(help: "Tell the running node to start from the network at once.") var now = false
  @Option(help: "latest: data that is lost comes back from the stacks' repositories once the machine is active.")
  var restore: String?
  @Flag(help: "The k3s cluster that it is a server of may stand still meanwhile.") var acceptOutage = false
  @Flag(help: "Print what would be done, and change nothing.") var dryRun = false
  @Option(help: "Minutes for which the rebuild stays armed.") var window: Int = 24 * 60

  /// With `--json`.
  private struct Output: Encodable {
    var preview: RebuildPreview
    var machine: MachineDetail
  }

  func validate() throws {
    guard FingerprintDepth(rawValue: fingerprint) != nil else {
      throw ValidationError("--fingerprint '\(fingerprint)' is not sampled or full")
    }
    guard restore == nil || restore == "latest" else {
      throw ValidationError("--restore '\(restore ?? "")' is not latest")
    }
    for text in replaceDisk { _ = try diskReplacement(text) }
  }

  func run() async throws {
    try await reportingFailures {
      let client = appliance.client
      let path = "/v1/machines/\(pathComponent(name))/rebuild"
      var request = try self.request()
      let preview: RebuildPreview = try await client.send("POST", path + "/preview", request)
      if dryRun {
        return try show(preview, json: appliance.json) { preview.text }
      }
      if !appliance.json { try show(preview, json: false) { preview.text } }
      try consent.ask("Rebuild \(preview.machine) like this?")
      request.digest = preview.digest
      let detail: MachineDetail = try await client.send("POST", path, request)
      try show(Output(preview: preview, machine: detail), json: appliance.json) { next(detail) }
    }
  }

  private func request() throws -> RebuildRequest {
    var request = RebuildRequest()
    request.replaceDisks = try replaceDisk.map(diskReplacement)
    request.replaceAddresses = try replaceMac.map { text in
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      return .init(old: parts.count == 2 ? try MACAddress(parts[0]) : nil, new: try MACAddress(parts[parts.count - 1]))
    }
    request.loseData = loseData
    request.consents = wipe
    request.mayRepairPool = repairPool
    request.fingerprint = FingerprintDepth(rawValue: fingerprint) ?? .sampled
    request.acceptsHardware = acceptHardware
    request.acceptsOutage = acceptOutage
    request.comparesCode = compareCode
    request.closure = closure
    request.now = now
    request.restore = restore
    request.window = Double(window) * 60
    return request
  }

  private func diskReplacement(_ text: String) throws -> RebuildRequest.DiskReplacement {
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
      throw ValidationError("--replace-disk '\(text)' is not OLD=NEW")
    }
    return .init(old: parts[0], new: parts[1])
  }

  private func next(_ detail: MachineDetail) -> String {
    let machine = detail.machine
    let watch = "bootstead watch \(machine.name)"
    let armed = "\(machine.name) is \(machine.state.rawValue) for \(window) minutes"
    guard now else { return "\(armed): start it from the network, then: \(watch)" }
    return networkBootText(machine, armed: armed, then: watch)
  }
}

/// What becomes of an order to start from the network.
func networkBootText(_ machine: Machine, armed: String, then watch: String) -> String {
  guard let last = machine.reportedAt, Date().timeIntervalSince(last) < Double(3 * Fleet.reportInterval) else {
    return "\(armed). Its node reported last \(ageText(machine.reportedAt)), so it may not hear the order to restart: "
      + "start it from the network by hand, then: \(watch)"
  }
  return "\(armed), and its node hears within \(Fleet.reportInterval) seconds that it is to restart: \(watch)"
}
