import ArgumentParser
import Foundation
import Lab

struct Demo: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo", abstract: "Network-boot a virtual bare machine and install it, beside a foreign DHCP server.",
    discussion: """
      Everything happens in network namespaces of the demo's own. It ends by itself once the machine is active. The \
      node system stands in for NixOS: see docs/lab.md.
      """)

  @Option(help: "The project's source folder.") var source: String = "."
  @Option(help: "Where disks, logs and built parts go.") var folder: String = "var/demo"
  @Option(help: "The machine's firmware: bios, uefi or uefiHTTP.") var firmware: String = "uefi"
  @Flag(help: "Leave everything running, and say how to look around.") var keep = false

  func validate() throws {
    guard LabMachine.Firmware(rawValue: firmware) != nil else {
      throw ValidationError("--firmware '\(firmware)' is not bios, uefi or uefiHTTP")
    }
  }

  func run() async throws {
    try await reportingFailures {
      guard getuid() == 0 else {
        throw CommandFailure.failed("the demo's network namespaces need root: sudo bootstead demo")
      }
      let binary = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
      let agent = binary.deletingLastPathComponent().appendingPathComponent("bootstead-agent").path
      let folder = URL(fileURLWithPath: folder).path
      say("building the micro-installer and the lab's node system (a minute at the first time)")
      let artifacts = try await LabArtifacts.make(
        source: URL(fileURLWithPath: source).path, agent: agent, folder: folder + "/parts")
      let run = folder + "/run"
      if FileManager.default.fileExists(atPath: run) { try FileManager.default.removeItem(atPath: run) }
      say("a network with a foreign DHCP server, and the appliance beside it")
      try await Lab.with(binary: binary.path, artifacts: artifacts, folder: run) { lab in
        try await install(lab)
      }
    }
  }

  private func install(_ lab: Lab) async throws {
    let disk = try await LabDisk.make(path: lab.folder + "/system.qcow2", serial: "DEMO1", gibibytes: 40)
    let machine = LabMachine.Configuration(
      name: "node1", firmware: LabMachine.Firmware(rawValue: firmware) ?? .uefi, mac: "52:54:00:12:34:56",
      disks: [disk])
    try await lab.appliance.run(
      "machine", "add", "--mac", machine.mac, "--name", machine.name, "--role", "docker-host", "--closure", lab.closure,
      "--volume", "appdata:8GiB:/srv/appdata")
    say(
      "the virtual machine is switched on: \(firmware) firmware, an empty 40 GiB disk; its console: \(lab.folder)/node1.console"
    )
    try await lab.boot(machine) { running in
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          try await lab.wait(for: machine.name, of: running, seconds: 1200, what: "the install") {
            $0.state == "active"
          }
        }
        group.addTask { try await lab.appliance.follow("watch", machine.name) }
        try await group.next()
        group.cancelAll()
      }
      say("node1 is active: it boots from its own disk and has reported with its own key")
      guard keep else { return }
      say(
        """
        everything stays up until Ctrl-C. In another terminal:
          export BOOTSTEAD_SOCKET=\(lab.appliance.socket)
          \(CommandLine.arguments.first ?? "bootstead") machine show node1
          \(CommandLine.arguments.first ?? "bootstead") why node1
          tail -f \(lab.folder)/node1.console
        """)
      try await waitForInterrupt()
    }
  }

  private func waitForInterrupt() async throws {
    signal(SIGINT, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: SIGINT)
    let (interrupts, continuation) = AsyncStream.makeStream(of: Void.self)
    source.setEventHandler { continuation.yield() }
    source.resume()
    for await _ in interrupts { break }
    source.cancel()
  }
}

/// What a long command is doing, on stderr.
private func say(_ text: String) { FileHandle.standardError.write(Data("demo: \(text)\n".utf8)) }
