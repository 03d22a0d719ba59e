import ProgramRunner
import DiskLayout

extension DiskExecutor {
  var systemFileSystemSteps: [DiskStep] {
    plan.fileSystems.compactMap { fileSystem in
      guard case .partition(let role) = fileSystem.device else { return nil }
      let text = "Make the file system \(fileSystem.label) (\(fileSystem.type.rawValue))"
      return DiskStep(text: text) { () throws(DiskExecutionError) in
        let found = try foundPartition(role)?.signatures ?? []
        guard found.count == 1, found[0].type == fileSystem.type.rawValue, found[0].uuid == fileSystem.uuid else {
          return false
        }
        return try await isWhole(fileSystem, on: node(role, step: text), step: text)
      } run: { () throws(DiskExecutionError) in
        let node = try node(role, step: text)
        if let mount = source.mounts().mounts.first(where: { $0.source == node }) {
          guard mount.target == path(fileSystem) else {
            throw .unexpected(step: text, problem: "\(node) is mounted at \(mount.target)")
          }
          // Left by another install that failed in this same boot.
          try await command(text, Command("umount", ["--recursive", mount.target]))
        }
        // What is left of an older file system of another type would be recognised beside the new one.
        try await command(text, Command("wipefs", ["--all", node]))
        try await make(fileSystem, on: node, step: text)
      }
    }
  }

  /// mkfs.vfat writes the boot sector with the UUID first and flushes once, at its end, and FAT has no journal: after a
  /// power cut the file system may be there by its name only. What an unfinished install had in it is made again.
  private func isWhole(
    _ fileSystem: PlannedFileSystem, on node: String, step: String
  ) async throws(DiskExecutionError) -> Bool {
    // Mounted: this run has looked at it before.
    guard fileSystem.type == .vfat, !source.mounts().mounts.contains(where: { $0.source == node }) else { return true }
    do {
      try await runner.run(Command("fsck.vfat", ["-n", node]))
      return true
    } catch {
      guard case .exited = error.ending else { throw .command(step: step, error) }
      return false
    }
  }

  func make(_ fileSystem: PlannedFileSystem, on node: String, step: String) async throws(DiskExecutionError) {
    let command =
      switch fileSystem.type {
      case .vfat:
        Command(
          "mkfs.vfat",
          ["-F", "32", "-n", fileSystem.label, "-i", fileSystem.uuid.filter { $0 != "-" }, node])
      case .ext4:
        // GRUB 2.06 reads neither feature; -m 1: five percent for root is much on a large disk.
        Command(
          "mkfs.ext4",
          [
            "-q", "-F", "-L", fileSystem.label, "-U", fileSystem.uuid, "-m", "1", "-O",
            "^metadata_csum_seed,^orphan_file", node,
          ],
          timeout: .seconds(1800))
      case .xfs:
        Command(
          "mkfs.xfs", ["-q", "-f", "-L", fileSystem.label, "-m", "uuid=\(fileSystem.uuid)", node],
          timeout: .seconds(1800))
      }
    try await self.command(step, command)
    try await self.command(step, Command("blockdev", ["--flushbufs", node]))
    try await settle(step)
  }

  var mountSteps: [DiskStep] {
    plan.fileSystems.compactMap { fileSystem in
      // Data that was there before is not even mounted.
      if case .volume = fileSystem.device, plan.volumeGroup.kept != nil { return nil }
      let path = path(fileSystem)
      let text = "Mount \(fileSystem.label) at \(path)"
      return DiskStep(text: text) { () throws(DiskExecutionError) in
        guard let mount = source.mounts().mount(at: path) else { return false }
        let device = try device(of: fileSystem, step: text)
        guard source.deviceNumber(of: mount.source) == source.deviceNumber(of: device) else {
          throw .unexpected(step: text, problem: "\(mount.source) is mounted there already")
        }
        return true
      } run: { () throws(DiskExecutionError) in
        try await command(text, Command("mkdir", ["-p", path]))
        let options = fileSystem.options.filter { $0 != "nofail" && !$0.hasPrefix("x-") }
        try await command(
          text,
          Command(
            "mount",
            [
              "-t", fileSystem.type.rawValue, "-o", (["rw"] + options).joined(separator: ","),
              try device(of: fileSystem, step: text), path,
            ]))
      }
    }
  }

  func device(of fileSystem: PlannedFileSystem, step: String) throws(DiskExecutionError) -> String {
    switch fileSystem.device {
    case .partition(let role): try node(role, step: step)
    case .volume(let name): volumePath(name)
    }
  }
}
