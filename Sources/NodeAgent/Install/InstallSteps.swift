import AgentProtocol
import DiskLayout

extension Installer {
  /// Does one install from its first to its last step.
  /// - Returns: true when the machine is installed and the appliance knows it; false when it failed and the appliance
  ///   knows that.
  func install(_ task: InstallTask) async throws -> Bool {
    log.say("installing \(task.machineName), system \(task.closure ?? "built from its flake")")
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

    var fetched: FetchedFlake?
    if task.closure == nil, task.flake == nil {
      throw CopiedClosure.MalformedTask(description: "the task names neither a system nor a flake")
    }
    if let flake = task.flake {
      begin(.closure, "fetching the flake \(flake.path)")
      fetched = try await fetch(flake)
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

    let closure: String
    if let fetched {
      closure = try await build(fetched, task, layout)
    } else {
      closure = try await copy(task, layout)
    }

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
      closure: closure, flake: task.flake?.identity, before: before, after: after)
  }

  private func copy(_ task: InstallTask, _ layout: MountedLayout) async throws -> String {
    guard let closure = task.closure else { throw CopiedClosure.MalformedTask(description: "the task names no system") }
    begin(.closure, "copying \(closure)")
    let milestones = Milestones()
    try await system.copy(task, target: layout.target) { [log, feed] fraction, text in
      feed.note(.closure, fraction: fraction, text)
      if milestones.isNew(fraction) { log.say("copying: \(Int(fraction * 100)) %, \(text)") }
    }
    begin(.bootLoader, "installing the boot loader")
    for note in try await bootLoader(of: task, layout, closure).run() { log.say("boot loader: \(note)") }
    return closure
  }

  private func fetch(_ flake: InstallFlake) async throws -> FetchedFlake {
    guard let builder else { throw FlakeInstallError.noNix }
    return try await builder.fetch(flake)
  }

  /// The boot loader is a part of what `nixos-install` does.
  private func build(_ flake: FetchedFlake, _ task: InstallTask, _ layout: MountedLayout) async throws -> String {
    guard let builder else { throw FlakeInstallError.noNix }
    begin(.closure, "building the system of \(task.machineName) on this machine")
    let closure = try await builder.install(flake, of: task, target: layout.target) { [log, feed] line in
      log.say(line)
      feed.note(.closure, line)
    }
    log.say("built \(closure)")
    begin(.bootLoader, "naming the boot loader to the firmware")
    for note in await bootLoader(of: task, layout, closure).name() { log.say("boot loader: \(note)") }
    return closure
  }

  private func bootLoader(of task: InstallTask, _ layout: MountedLayout, _ closure: String) -> BootLoaderStep {
    BootLoaderStep(
      target: layout.target, diskNode: layout.diskNode, machineName: task.machineName, closure: closure,
      espNumber: task.plan.partition(.esp)?.number, runner: runner)
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
