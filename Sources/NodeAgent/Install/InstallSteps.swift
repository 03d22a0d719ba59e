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
    return InstalledReport(
      task: task.identifier, nodeKey: keys.node.publicKey, nodeRecipient: keys.identity.recipient,
      disks: [
        InstalledDisk(
          identifier: task.plan.disk.id, partitionTableUUID: task.plan.tableUUID,
          volumeGroupName: task.plan.volumeGroup.name, volumeGroupUUID: layout.volumeGroupUUID)
      ],
      closure: task.closure)
  }

  private func begin(_ step: InstallStep, _ text: String) {
    feed.note(step, fraction: 0, text)
    log.say("\(step.title): \(text)")
  }
}
