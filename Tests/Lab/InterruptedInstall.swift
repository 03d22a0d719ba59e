import Foundation
import Lab

/// An install, or a rebuild, in which things go wrong one after the other, and which nobody helps.
struct InterruptedInstall: Sendable {
  let lab: Lab
  let configuration: LabMachine.Configuration
  /// In this order. A power cut begins a new boot; one whose place is not reached in its boot is left out.
  let interruptions: [Interruption]
  /// How fast the network is from the moment that the installer runs, in bytes a second; nil is as fast as the host. A
  /// copy that is done at once can not be cut.
  var copyRate: Int?

  struct Course: Sendable {
    /// What each boot printed, up to its cut; the last one up to the node's report.
    var consoles: [String] = []
    var applied: [Interruption] = []
    /// Bytes that reached the machine after the installer ran, of each boot.
    var received: [Int] = []
    var seconds = 0
  }

  /// How long one boot may take to get anywhere, in seconds.
  private static let patience = 900

  /// Returns once the machine is `active`.
  /// - Throws: ``LabError`` where it failed, or is not `active` in time.
  func run() async throws -> Course {
    var course = Course()
    let start = ContinuousClock.now
    var left = interruptions[...]
    while true {
      let machine = try await LabMachine.start(configuration, network: lab.network, folder: lab.folder)
      let isActive: Bool
      do {
        isActive = try await boot(machine, &left, &course)
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
  private func boot(_ machine: LabMachine, _ left: inout ArraySlice<Interruption>, _ course: inout Course) async throws
    -> Bool
  {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(Self.patience)
    var receivedBefore: Int?
    configuration.cable?.conditions.bytesPerSecond = nil
    defer {
      course.consoles.append(machine.console.text)
      let total = configuration.cable?.traffic(.toMachine).bytes ?? 0
      course.received.append(receivedBefore.map { total - $0 } ?? 0)
    }
    while true {
      try machine.mustRun()
      let console = machine.console.text
      if receivedBefore == nil, console.contains("bootstead: micro-installer") {
        receivedBefore = configuration.cable?.traffic(.toMachine).bytes ?? 0
        configuration.cable?.conditions.bytesPerSecond = copyRate
      }
      if let next = left.first, next.isReached(console) {
        try await Task.sleep(for: .milliseconds(next.delay))
        left = left.dropFirst()
        course.applied.append(next)
        switch next.kind {
        case .cutPower:
          await machine.cutPower()
          return false
        case .killAppliance:
          await lab.appliance.kill()
          try await Task.sleep(for: .milliseconds(next.absence))
          try await lab.appliance.restart()
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
