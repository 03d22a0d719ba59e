import Foundation

/// A whole lab: a network with somebody else's DHCP server, and an appliance in it that can install machines.
public struct Lab: Sendable {
  public let network: LabNetwork
  public let appliance: LabAppliance
  /// Logs, disks and the appliance's data.
  public let folder: String
  /// The store path of the system that machines get.
  public let closure: String
  /// The binary cache directory that the system came from.
  public let closureCache: String

  /// Sets the lab up, runs `body` and takes everything down again, however `body` ends.
  /// - Parameters:
  ///   - binary: the path of `bootstead`.
  ///   - folder: made where it does not exist; kept afterwards, for its logs.
  ///   - serveArguments: further arguments of `bootstead serve`.
  public static func with<Result: Sendable>(
    binary: String, artifacts: LabArtifacts, folder: String, serveArguments: [String] = [],
    body: @Sendable (Lab) async throws -> Result
  ) async throws -> Result {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let network = try await LabNetwork.start(folder: folder)
    do {
      let appliance = try await LabAppliance.start(
        binary: binary, network: network, folder: folder, arguments: serveArguments)
      do {
        try await appliance.run("image", "add", "installer", "--kernel", artifacts.kernel, "--initrd", artifacts.initrd)
        try await appliance.run("closure", "import", artifacts.closureCache)
        let result = try await body(
          Lab(
            network: network, appliance: appliance, folder: folder, closure: artifacts.closure,
            closureCache: artifacts.closureCache))
        await appliance.stop()
        await network.stop()
        return result
      } catch {
        await appliance.stop()
        throw error
      }
    } catch {
      await network.stop()
      throw error
    }
  }

  /// Switches a machine on, runs `body` with it and cuts its power, however `body` ends.
  public func boot<Result: Sendable>(
    _ configuration: LabMachine.Configuration, body: @Sendable (LabMachine) async throws -> Result
  ) async throws -> Result {
    let machine = try await LabMachine.start(configuration, network: network, folder: folder)
    do {
      let result = try await body(machine)
      await machine.powerOff()
      return result
    } catch {
      await machine.powerOff()
      throw error
    }
  }

  /// Waits until the appliance's record of a machine is as `isReached` wants it.
  /// - Throws: ``LabError`` once `seconds` have passed, the record says that it failed, or one of the programs has ended.
  @discardableResult
  public func wait(
    for name: String, of machine: LabMachine, seconds: Int, what: String,
    until isReached: @Sendable (LabMachineStatus) -> Bool
  ) async throws -> LabMachineStatus {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(seconds)
    while true {
      try machine.mustRun()
      try network.mustRun()
      try appliance.mustRun()
      let status = try await appliance.machine(name)
      if isReached(status) { return status }
      guard clock.now < end, status.state != "failed" else {
        throw LabError.notSeen(
          what: "\(what) of \(name) (now \(status.state), \(status.reason ?? status.planRefusal ?? "no reason"))",
          seconds: seconds, tail: "\(machine.console.tail())\n--- appliance\n\(appliance.logTail)")
      }
      try await Task.sleep(for: .seconds(1))
    }
  }
}
