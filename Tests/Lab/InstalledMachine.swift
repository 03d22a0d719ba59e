import Foundation
import Lab

/// A machine that was installed once. Each test of a failure starts from a copy of it: disks, firmware variables and the
/// appliance's data.
struct InstalledMachine: Sendable {
  let lab: Lab
  /// Not switched on.
  var configuration: LabMachine.Configuration
  /// SHA-256 of the file that the node wrote to its data volume at its first start.
  let dataHash: String

  /// Starts an appliance that knows the machine, beside a copy of the machine.
  static func with<Result: Sendable>(
    _ name: String, firmware: LabMachine.Firmware = .bios, body: @Sendable (InstalledMachine) async throws -> Result
  ) async throws -> Result {
    let original = try await InstalledMachineStore.shared.machine(firmware)
    let own = LabSetting.folder + "/" + name
    try LabSetting.empty(own)
    try await LabTool.run("cp", ["-a", "--reflink=auto", original.folder + "/data", own + "/data"])
    let variables = original.folder + "/node1.vars"
    if FileManager.default.fileExists(atPath: variables) { try await LabTool.run("cp", [variables, own]) }
    var configuration = original.configuration
    for index in configuration.disks.indices {
      let disk = configuration.disks[index]
      configuration.disks[index] = try await disk.copy(
        to: own + "/" + URL(fileURLWithPath: disk.path).lastPathComponent)
    }
    let machine = configuration
    return try await LabSetting.lab(name, isNew: false) { lab in
      try await body(InstalledMachine(lab: lab, configuration: machine, dataHash: original.dataHash))
    }
  }

  /// The hash that a node's console shows for its data volume.
  static func dataHash(on console: String) -> String? {
    let mark = "node: data /srv/appdata "
    return console.split(whereSeparator: \.isNewline).last { $0.contains(mark) }?
      .split(separator: " ").last.map(String.init)
  }
}

/// Installs a machine of each firmware when the first test asks for it.
actor InstalledMachineStore {
  static let shared = InstalledMachineStore()

  struct Original: Sendable {
    var folder: String
    var configuration: LabMachine.Configuration
    var dataHash: String
  }

  private var machines: [LabMachine.Firmware: Task<Original, any Error>] = [:]

  func machine(_ firmware: LabMachine.Firmware) async throws -> Original {
    let task = machines[firmware] ?? Task { try await Self.install(firmware) }
    machines[firmware] = task
    return try await task.value
  }

  private static func install(_ firmware: LabMachine.Firmware) async throws -> Original {
    try await LabSetting.lab("original-\(firmware.rawValue)\(LabSetting.part)") { lab in
      // Raw, so that a test can damage a partition where it lies.
      let disk = try await LabDisk.make(
        path: lab.folder + "/system.raw", serial: "SYSTEM1", gibibytes: 24, format: .raw)
      let configuration = LabMachine.Configuration(
        name: "node1", firmware: firmware, mac: "52:54:00:12:34:56", disks: [disk])
      try await lab.appliance.run(
        "machine", "add", "--mac", configuration.mac, "--name", "node1", "--closure", lab.closure,
        "--volume", "appdata:4GiB:/srv/appdata")
      let hash = try await lab.boot(configuration) { machine in
        try await lab.wait(for: "node1", of: machine, seconds: 1800, what: "the install") { $0.state == "active" }
        try await machine.wait(for: "node: reported", seconds: 300)
        guard let hash = InstalledMachine.dataHash(on: machine.console.text) else {
          throw LabError.notSeen(what: "the hash of the data volume", seconds: 0, tail: machine.console.tail())
        }
        return hash
      }
      return Original(folder: lab.folder, configuration: configuration, dataHash: hash)
    }
  }
}

extension InstalledMachine {
  var damage: DiskDamage { DiskDamage(disk: configuration.disks[0]) }

  /// `bootstead rebuild`, with consent.
  func rebuild(_ options: String...) async throws {
    try await lab.appliance.run(["rebuild", "node1", "--yes"] + options)
  }

  /// Switches the machine on and waits until the rebuilt node has reported.
  /// - Returns: the hash of its data.
  func bootUntilActive() async throws -> String? {
    try await lab.boot(configuration) { machine in
      try await lab.wait(for: "node1", of: machine, seconds: 1800, what: "the rebuild") { $0.state == "active" }
      try await machine.wait(for: "node: reported", seconds: 300)
      return InstalledMachine.dataHash(on: machine.console.text)
    }
  }

  /// Waits until the rebuild was refused for a reason that names `text`.
  func waitForRefusal(of machine: LabMachine, containing text: String) async throws {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(900)
    while true {
      try machine.mustRun()
      let status = try await lab.appliance.machine("node1")
      let account = [status.reason, status.planRefusal].compactMap { $0 }.joined(separator: "\n")
      if account.contains(text) { return }
      guard clock.now < end else {
        throw LabError.notSeen(what: "a refusal with '\(text)'", seconds: 900, tail: account + machine.console.tail())
      }
      try await Task.sleep(for: .seconds(1))
    }
  }
}
