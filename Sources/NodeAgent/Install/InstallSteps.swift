import AgentProtocol
import DiskLayout

extension Installer {
  /// Does one install from its first to its last step.
  /// - Returns: true when the machine is installed and the appliance knows it; false when it failed and the appliance
  ///   knows that.
  func install(_ task: InstallTask) async throws -> Bool {
    log.say("installing \(task.machineName), system \(task.closure)")
    do {
      let report = try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await feed.run(by: link, interval: .seconds(1)) }
        defer { group.cancelAll() }
        return try await steps(task)
      }
      await feed.send(by: link)
      try await deliver(AgentPath.installed, report)
      log.say("\(task.machineName) is installed; it restarts from its own disk")
      return true
    } catch is CancellationError {
      throw CancellationError()
    } catch {
      let step = feed.step
      log.say("FAILED at '\(step.title)': \(error)")
      log.say("the machine stays as it is; fix the cause and start the install of \(task.machineName) again")
      try? await disks.release(task.plan)
      do {
        try await deliver(
          AgentPath.failed, FailedReport(step: step, error: "\(error)", logLines: log.recent))
      } catch is CancellationError {
        throw CancellationError()
      } catch {
        log.say("the failure could not be reported: \(error)")
      }
      return false
    }
  }

  private func steps(_ task: InstallTask) async throws -> InstalledReport {
    var before: [VolumeFingerprint]?
    if let rebuild = task.rebuild {
      begin(.comparison, "comparing this machine with its record, checking its data")
      before = try await data.prepare(task, rebuild) { [log] in
        log.say($0)
      } save: { state in
        try await deliver(AgentPath.saved, state)
        log.say("the appliance has saved partition tables and volume group metadata")
      }
    }

    begin(.disks, "laying out \(task.plan.disk.id)")
    let layout = try await disks.prepare(task.plan) { [log, feed] progress in
      let done = progress.state == .started ? progress.step - 1 : progress.step
      feed.note(.disks, fraction: Double(done) / Double(max(1, progress.of)), progress.text)
      switch progress.state {
      case .started: log.say("disks \(progress.step)/\(progress.of): \(progress.text)")
      case .alreadyDone: log.say("disks \(progress.step)/\(progress.of): \(progress.text): was done already")
      case .finished: break
      }
    }

    begin(.closure, "copying \(task.closure)")
    let milestones = Milestones()
    try await system.copy(task, target: layout.target) { [log, feed] fraction, text in
      feed.note(.closure, fraction: fraction, text)
      if milestones.isNew(fraction) { log.say("copying: \(Int(fraction * 100)) %, \(text)") }
    }

    begin(.bootLoader, "installing the boot loader")
    let bootLoader = BootLoaderStep(
      target: layout.target, diskNode: layout.diskNode, machineName: task.machineName, closure: task.closure,
      espNumber: task.plan.partition(.esp)?.number, runner: runner)
    for note in try await bootLoader.run() { log.say("boot loader: \(note)") }

    begin(.handOff, "handing over \(task.sealedSecrets.count) secrets and the node's keys")
    try HandOff(
      target: layout.target,
      configuration: NodeConfiguration(
        applianceURL: overlay.applianceURL, appliancePublicKey: overlay.appliancePublicKey,
        machineName: task.machineName),
      keys: keys
    ).write(task)

    begin(.finishing, "writing everything to the disk")
    try await disks.release(task.plan)
    var after: [VolumeFingerprint]?
    if let rebuild = task.rebuild {
      after = try await data.fingerprints(task, rebuild) { [log] in log.say($0) }
      for kept in before ?? [] {
        let now = after?.first { $0.uuid == kept.uuid }
        log.say("volume \(kept.name): " + (now == kept ? "unchanged" : "NOT as it was before the rebuild"))
      }
    }
    return InstalledReport(
      task: task.identifier, nodeKey: keys.node.publicKey, nodeRecipient: keys.identity.recipient,
      disks: task.plan.tables.map { table in
        let hasData = table.partitions.contains { $0.role == .data }
        return InstalledDisk(
          identifier: table.disk.recordedName, serial: table.disk.serial, partitionTableUUID: table.uuid,
          volumeGroupName: hasData ? task.plan.volumeGroup.name : nil,
          volumeGroupUUID: hasData ? layout.volumeGroupUUID : nil)
      },
      closure: task.closure, before: before, after: after)
  }

  /// Erases disks; tells how, or why not.
  func wipe(_ task: WipeTask) async throws {
    log.say("erasing \(task.disks.count) disks, as \(task.identifier) says")
    let erased: [String: String]
    do {
      erased = try await wiper.wipe(task) { [log] in log.say($0) }
    } catch is CancellationError {
      throw CancellationError()
    } catch {
      log.say("FAILED to erase: \(error)")
      try await deliver(AgentPath.failed, FailedReport(step: .disks, error: "\(error)", logLines: log.recent))
      return
    }
    try await deliver(AgentPath.wiped, WipedReport(task: task.identifier, disks: erased))
  }

  private func begin(_ step: InstallStep, _ text: String) {
    feed.note(step, fraction: 0, text)
    log.say("\(step.title): \(text)")
  }
}
