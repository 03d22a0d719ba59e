import DiskLayout
import ProgramRunner

extension DiskAddition {
  /// The caller has shown the plan, and got consent.
  /// - Returns: what was done, a line each.
  public func carryOut(_ plan: Plan) async throws(NodeWorkError) -> [String] {
    guard !plan.steps.isEmpty else { return [] }
    let devices = plan.disks.map(\.device)
    var journal =
      try DurableFile.value(Journal.self, at: folders.diskAddition) ?? Journal(pool: plan.pool, devices: devices)
    try DurableFile.writeJSON(journal, to: folders.diskAddition)
    var done: [String] = []
    switch plan.provider {
    case .zfs:
      // Without -f: ZFS looks for itself once more.
      try await runner.work(Command("zpool", plan.addArguments), .storage)
      done.append("added \(devices.joined(separator: " ")) to \(plan.pool)")
    case .thin: done += try await extend(plan, devices, &journal)
    }
    try DurableFile.remove(folders.diskAddition)
    return done
  }

  private func extend(
    _ plan: Plan, _ devices: [String], _ journal: inout Journal
  ) async throws(NodeWorkError) -> [String] {
    let group = String(plan.pool.prefix { $0 != "/" })
    var done: [String] = []
    for device in devices {
      // By this name: LVM itself lists another one.
      var look = Command("pvs", ["--noheadings", "--options", "vg_name", device])
      look.acceptedCodes = [0, 5]
      let found = try await runner.work(look, .storage)
      let member = found.standardOutput.filter { !$0.isWhitespace }
      if found.code != 0 {
        try await runner.work(Command("pvcreate", [device]), .storage)
        done.append("made \(device) a physical volume")
      }
      if found.code != 0 || member.isEmpty {
        try await runner.work(Command("vgextend", [group, device]), .storage)
        done.append("added it to the group \(group)")
      } else if member != group {
        throw NodeWorkError(.storage, "\(device) belongs to the group \(member), and not to \(group)")
      }
    }
    guard let pool = try await snapshots.pools().first(where: { $0.name == plan.pool }) else {
      throw NodeWorkError(.storage, "the pool \(plan.pool) is gone")
    }
    if journal.poolBytes == nil {
      let free = try await VolumeGroup.named(group, runner)
      let more = free.freeBytes > Self.reserve ? (free.freeBytes - Self.reserve) / free.extent * free.extent : 0
      journal.poolBytes = pool.bytes + more
      try DurableFile.writeJSON(journal, to: folders.diskAddition)
    }
    if let wanted = journal.poolBytes, wanted > pool.bytes {
      try await runner.work(Command("lvextend", ["--size", "\(wanted)b", plan.pool]), .storage)
      done.append("grew the pool \(plan.pool) to \(ByteSize.text(wanted))")
    }
    return done
  }
}
