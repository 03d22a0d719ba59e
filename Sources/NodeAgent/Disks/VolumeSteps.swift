import DiskLayout

extension DiskExecutor {
  /// On the group from its making until all that the plan wants in it is there: only in such a group may the installer
  /// remove what a power cut left half made.
  static let unfinishedTag = "bootstead.unfinished"
  /// On a volume whose file system was made to the end.
  static let formattedTag = "bootstead.formatted"

  func volumePath(_ name: String) -> String { "/dev/\(plan.volumeGroup.name)/\(name)" }

  var volumeGroupSteps: [DiskStep] { [physicalVolumeStep, groupStep, tagStep, poolStep] }

  var volumeSteps: [DiskStep] {
    plan.volumes.flatMap { volume in
      [volumeStep(volume)]
        + plan.fileSystems.filter { $0.device == .volume(volume.name) }.map { formatStep(volume, $0) }
    }
  }

  var closingSteps: [DiskStep] {
    let text = "Mark \(plan.volumeGroup.name) as finished"
    return [
      DiskStep(text: text) { () throws(DiskExecutionError) in
        try volumeGroup(step: text)?.tags.contains(Self.unfinishedTag) == false
      } run: { () throws(DiskExecutionError) in
        try await lvm(text, "vgchange", ["--deltag", Self.unfinishedTag, plan.volumeGroup.name])
      }
    ]
  }

  private var physicalVolumeStep: DiskStep {
    let text = "Make the physical volume"
    return DiskStep(text: text) { () throws(DiskExecutionError) in
      let member = try foundPartition(.data)?.signatures.first { $0.type == "LVM2_member" }
      return member?.volumeGroup != nil || member?.uuid == plan.volumeGroup.physicalVolumeUUID
    } run: { () throws(DiskExecutionError) in
      if let found = try foundPartition(.data)?.signatures.first {
        throw .unexpected(step: text, problem: "\(found) is in the data partition")
      }
      try await lvm(
        text, "pvcreate",
        [
          "--yes", "--uuid", plan.volumeGroup.physicalVolumeUUID, "--norestorefile", "--dataalignment", "1m",
          try node(.data, step: text),
        ])
    }
  }

  private var groupStep: DiskStep {
    let group = plan.volumeGroup
    let text = "Make the volume group \(group.name)"
    return DiskStep(text: text) { () throws(DiskExecutionError) in
      guard let found = try volumeGroup(step: text) else { return false }
      if let kept = group.kept, found.uuid != kept {
        throw .unexpected(step: text, problem: "the group to be kept is \(kept), and \(found.uuid) is there")
      }
      return true
    } run: { () throws(DiskExecutionError) in
      if let kept = group.kept {
        throw .unexpected(step: text, problem: "the group \(kept), which was to be taken over, is not there")
      }
      var arguments = ["--yes", "--physicalextentsize", "\(group.extentSize)b", "--addtag", Self.unfinishedTag]
      for tag in group.tags { arguments += ["--addtag", tag] }
      try await lvm(text, "vgcreate", arguments + [group.name, try node(.data, step: text)])
    }
  }

  /// A machine that was renamed keeps its data.
  private var tagStep: DiskStep {
    let group = plan.volumeGroup
    let text = "Tag the volume group \(group.name)"
    return DiskStep(text: text) { () throws(DiskExecutionError) in
      let tags = Set(try volumeGroup(step: text)?.tags ?? [])
      return tags.subtracting([Self.unfinishedTag]) == Set(group.tags)
    } run: { () throws(DiskExecutionError) in
      let tags = Set(try volumeGroup(step: text)?.tags ?? [])
      var arguments: [String] = []
      for tag in group.tags where !tags.contains(tag) { arguments += ["--addtag", tag] }
      for tag in tags.sorted() where !group.tags.contains(tag) && tag != Self.unfinishedTag {
        arguments += ["--deltag", tag]
      }
      try await lvm(text, "vgchange", arguments + [group.name])
    }
  }

  private var poolStep: DiskStep {
    let pool = plan.pool
    let group = plan.volumeGroup
    let text = "Make the thin pool \(pool.name)"
    return DiskStep(text: text) { () throws(DiskExecutionError) in
      try logicalVolumes(step: text).contains { $0.name == pool.name && $0.segmentType == "thin-pool" }
    } run: { () throws(DiskExecutionError) in
      try await removeRemains(step: text)
      try await lvm(
        text, "lvcreate",
        [
          "--yes", "--type", "thin-pool", "--name", pool.name, "--extents", "\(pool.size / max(1, group.extentSize))",
          "--chunksize", "\(pool.chunkSize)b", "--poolmetadatasize", "\(pool.metadataSize)b",
          "--poolmetadataspare", "y", group.name,
        ])
      try await settle(text)
    }
  }

  /// A pool is made in several commits: what a power cut left of one goes, in a group that was never finished.
  private func removeRemains(step: String) async throws(DiskExecutionError) {
    let remains = try logicalVolumes(step: step).filter {
      $0.isVisible && $0.segmentType != "thin" && $0.segmentType != "thin-pool"
    }
    guard !remains.isEmpty else { return }
    let names = remains.map(\.name).joined(separator: ", ")
    guard try volumeGroup(step: step)?.tags.contains(Self.unfinishedTag) == true else {
      throw .unexpected(step: step, problem: "the group has no pool \(plan.pool.name), but other volumes: \(names)")
    }
    for volume in remains {
      try await lvm(step, "lvremove", ["--yes", "\(plan.volumeGroup.name)/\(volume.name)"])
    }
  }

  private func volumeStep(_ volume: PlannedVolume) -> DiskStep {
    let group = plan.volumeGroup.name
    let text = "Make the volume \(volume.name)"
    return DiskStep(text: text) { () throws(DiskExecutionError) in
      guard let found = try logicalVolumes(step: text).first(where: { $0.name == volume.name }) else {
        return false
      }
      guard found.segmentType == "thin", found.pool == plan.pool.name else {
        throw .unexpected(step: text, problem: "\(group)/\(volume.name) is there, but no volume of the pool")
      }
      return true
    } run: { () throws(DiskExecutionError) in
      try await lvm(
        text, "lvcreate",
        [
          "--yes", "--type", "thin", "--thinpool", plan.pool.name, "--virtualsize", "\(volume.size)b", "--name",
          volume.name, group,
        ])
      try await settle(text)
    }
  }

  private func formatStep(_ volume: PlannedVolume, _ fileSystem: PlannedFileSystem) -> DiskStep {
    let name = "\(plan.volumeGroup.name)/\(volume.name)"
    let path = volumePath(volume.name)
    let text = "Make the file system \(fileSystem.label) (\(fileSystem.type.rawValue))"
    return DiskStep(text: text) { () throws(DiskExecutionError) in
      guard let found = try logicalVolumes(step: text).first(where: { $0.name == volume.name }) else {
        return false
      }
      guard found.tags.contains(Self.formattedTag) else { return false }
      // Needed for the mount that follows; the data of an earlier install is not even activated.
      if plan.volumeGroup.kept == nil, source.deviceNumber(of: path) == nil { try await activate(name, step: text) }
      return true
    } run: { () throws(DiskExecutionError) in
      try await activate(name, step: text)
      let unfinished = try volumeGroup(step: text)?.tags.contains(Self.unfinishedTag) == true
      guard unfinished || source.signatures(ofDevice: path) == [] else {
        throw .unexpected(step: text, problem: "\(path) holds something that this installer did not make; it stays")
      }
      try await make(fileSystem, on: path, step: text)
      try await lvm(text, "lvchange", ["--addtag", Self.formattedTag, name])
    }
  }

  private func activate(_ name: String, step: String) async throws(DiskExecutionError) {
    try await lvm(step, "lvchange", ["--activate", "y", name])
    try await settle(step)
    if source.deviceNumber(of: "/dev/" + name) == nil { try await lvm(step, "vgmknodes", [plan.volumeGroup.name]) }
  }

  // MARK: What the metadata on the data partition says

  /// The plan's group, where it is there.
  func volumeGroup(step: String) throws(DiskExecutionError) -> VolumeGroupRecord? {
    guard let group = source.volumeGroup(ofDevice: try node(.data, step: step)) else { return nil }
    guard group.name == plan.volumeGroup.name else {
      throw .unexpected(step: step, problem: "the volume group “\(group.name)” is in the data partition")
    }
    return group
  }

  private func logicalVolumes(step: String) throws(DiskExecutionError) -> [LogicalVolumeRecord] {
    try volumeGroup(step: step)?.volumes ?? []
  }
}
