import ArgumentParser
import Foundation
import Lab

/// A machine's ways, in QEMU: its first install, its rebuild, and a take-over of one that runs Debian.
struct MachineBench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "machine", abstract: "Install, rebuild and take over virtual machines; needs root.")

  @Option(help: "The folder with bootstead and bootstead-agent.") var binaries: String
  @Option(help: "The project's source folder.") var source: String = "."
  @Option(help: "Where disks, logs and built parts go.") var folder: String

  func run() async throws {
    let parts = folder + "/parts"
    let artifacts = try await LabArtifacts.make(source: source, agent: binaries + "/bootstead-agent", folder: parts)
    for name in ["run", "takeover"] where FileManager.default.fileExists(atPath: folder + "/" + name) {
      try FileManager.default.removeItem(atPath: folder + "/" + name)
    }
    try await Lab.with(binary: binaries + "/bootstead", artifacts: artifacts, folder: folder + "/run") { lab in
      try await installAndRebuild(lab)
    }
    try await Lab.with(binary: binaries + "/bootstead", artifacts: artifacts, folder: folder + "/takeover") { lab in
      try await takeOver(lab, parts: parts)
    }
  }

  private func installAndRebuild(_ lab: Lab) async throws {
    let disk = try await LabDisk.make(path: lab.folder + "/system.qcow2", serial: "SYSTEM1", gibibytes: 40)
    let machine = LabMachine.Configuration(
      name: "node1", firmware: .uefi, mac: "52:54:00:12:34:56", disks: [disk])
    try await lab.appliance.run(
      "machine", "add", "--mac", machine.mac, "--name", machine.name, "--closure", lab.closure,
      "--volume", "appdata:8GiB:/srv/appdata")
    printFigure("install_seconds", try await secondsUntilActive(lab, machine))
    try await lab.appliance.run("rebuild", machine.name, "--yes")
    printFigure("rebuild_seconds", try await secondsUntilActive(lab, machine))
  }

  /// From power-on.
  private func secondsUntilActive(_ lab: Lab, _ machine: LabMachine.Configuration) async throws -> Double {
    try await lab.boot(machine) { running in
      let start = ContinuousClock.now
      try await lab.wait(for: machine.name, of: running, seconds: 1800, what: "the node's own report") {
        $0.state == "active"
      }
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      // Its file systems are at rest before its power is cut.
      try await running.wait(for: "node: reported", seconds: 300)
      return seconds
    }
  }

  private func takeOver(_ lab: Lab, parts: String) async throws {
    let old = try await OldMachine.make(
      name: "edge1", mac: "52:54:00:88:00:01", network: .fixed, source: source, artifacts: parts, folder: lab.folder)
    let agent = lab.folder + "/bootstead-agent"
    try await LabTool.run("strip", ["-o", agent, binaries + "/bootstead-agent"])
    let seconds = try await lab.boot(old.configuration) { machine in
      try await machine.wait(for: "old debian: ready", seconds: 600)
      let key = try await old.hostKey(at: "10.77.0.50", in: lab.network, folder: lab.folder)
      let start = ContinuousClock.now
      _ = try await lab.appliance.runInside(
        lab.network,
        [
          "kexec", "root@10.77.0.50", "--name", "edge1", "--closure", lab.closure, "--identity", old.identity,
          "--agent", agent, "--wipe", old.disk.serial, "--yes", "--host-key", key,
        ])
      // The appliance has answered the installer's agent.
      try await machine.wait(for: "] code ", seconds: 900)
      return (ContinuousClock.now - start) / .seconds(1)
    }
    printFigure("takeover_seconds", seconds)
  }
}
