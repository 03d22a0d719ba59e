import Foundation
import Lab

/// An install, or a rebuild, in which things go wrong one after the other, and which nobody helps.
struct InterruptedInstall: Sendable {
  let lab: Lab
  let configuration: LabMachine.Configuration
  /// In this order. A power cut begins a new boot; one whose place is not reached in its boot is left out.
  let interruptions: [Interruption]
  /// Of what power cuts leave of the disks' caches.
  let seed: UInt64

  /// How fast the network is from the moment that the installer runs, in bytes a second: a copy that is done at once can
  /// not be cut.
  private static let copyRate = 6_000_000

  struct Course: Sendable, CustomStringConvertible {
    /// What each boot printed, up to its cut; the last one up to the node's report.
    var consoles: [String] = []
    var applied: [Interruption] = []
    var seconds = 0
    /// Written, not flushed, and lost.
    var lostBlocks = 0

    var description: String {
      "\(consoles.count) boots, \(seconds) s, \(lostBlocks) unflushed blocks lost"
    }
  }

  /// How long one boot may take to get anywhere, in seconds.
  private static let patience = 1800

  /// Returns once the machine is `active`.
  /// - Throws: ``LabError`` where it failed, or is not `active` in time.
  func run() async throws -> Course {
    let cable = try await LabCable.start(seed: seed)
    var configuration = configuration
    configuration.cable = cable
    // An appliance that dies in the moment in which the card's ROM fetches its script sends the machine to an empty disk.
    // SeaBIOS would stay there for good; like this it begins again after ten seconds, as most firmware can be told to.
    if configuration.firmware == .bios { configuration.arguments += ["-boot", "reboot-timeout=10000"] }
    var servers: [LabDiskServer] = []
    do {
      for index in configuration.disks.indices {
        let server = try await LabDiskServer.start(path: configuration.disks[index].path, seed: seed)
        servers.append(server)
        configuration.disks[index].server = server
      }
      var course = try await boots(configuration, cable, servers)
      for server in servers {
        course.lostBlocks += server.lostBlocks
        try await server.stop()
      }
      await cable.stop()
      return course
    } catch {
      for server in servers { try? await server.stop() }
      await cable.stop()
      throw error
    }
  }

  private func boots(
    _ configuration: LabMachine.Configuration, _ cable: LabCable, _ servers: [LabDiskServer]
  ) async throws -> Course {
    var course = Course()
    let start = ContinuousClock.now
    var left = interruptions[...]
    while true {
      let machine = try await LabMachine.start(configuration, network: lab.network, folder: lab.folder)
      let isActive: Bool
      do {
        isActive = try await boot(machine, cable, servers, &left, &course)
      } catch {
        await machine.powerOff()
        throw error
      }
      await machine.powerOff()
      try machine.console.text.write(
        toFile: "\(lab.folder)/\(configuration.name)-boot\(course.consoles.count).console", atomically: true,
        encoding: .utf8)
      if isActive { break }
    }
    course.seconds = Int((ContinuousClock.now - start).components.seconds)
    return course
  }

  /// - Returns: whether the machine became active; else its power was cut.
  private func boot(
    _ machine: LabMachine, _ cable: LabCable, _ servers: [LabDiskServer], _ left: inout ArraySlice<Interruption>,
    _ course: inout Course
  ) async throws -> Bool {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(Self.patience)
    cable.conditions.bytesPerSecond = nil
    defer { course.consoles.append(machine.console.text) }
    while true {
      try machine.mustRun()
      let console = machine.console.text
      let isInstaller = console.contains("bootstead: micro-installer")
      cable.conditions.bytesPerSecond = isInstaller ? Self.copyRate : nil
      if let next = left.first, next.isReached(console) {
        try await Task.sleep(for: .milliseconds(next.delay))
        left = left.dropFirst()
        course.applied.append(next)
        switch next.kind {
        case .cutPower:
          try await machine.cutPower()
          return false
        case .killAppliance:
          await lab.appliance.kill()
          try await Task.sleep(for: .milliseconds(next.absence))
          try await lab.appliance.restart()
        case .stallDisks:
          for server in servers { server.stall() }
          // The kernel looks every five minutes, and acts where nothing moved in five minutes after a look
          // (kernel/hung_task.c, check_hung_task): at the third one at the latest.
          try await machine.wait(for: "Kernel panic - not syncing: hung_task", seconds: 1000)
          // A controller that is reset drops what it had not answered, and works again.
          for server in servers { server.resume() }
        }
        continue
      }
      let status = try await lab.appliance.machine(configuration.name)
      if status.state == "active", console.contains("node: reported") { return true }
      guard clock.now < end, !["failed", "frozen"].contains(status.state) else {
        throw LabError.notSeen(
          what: "an active \(configuration.name) (now \(status.state), \(status.reason ?? "no reason"))",
          seconds: Self.patience, tail: "\(machine.console.tail())\n--- appliance\n\(lab.appliance.logTail)")
      }
      try await Task.sleep(for: .milliseconds(300))
    }
  }
}
