import DiskLayout

extension DiskExecutor {
  var systemFileSystemSteps: [DiskStep] {
    plan.fileSystems.compactMap { fileSystem in
      guard case .partition(let role) = fileSystem.device else { return nil }
      let text = "Make the file system \(fileSystem.label) (\(fileSystem.type.rawValue))"
      return DiskStep(text: text) { () throws(DiskExecutionError) in
        let found = try foundPartition(role)?.signatures ?? []
        return found.count == 1 && found[0].type == fileSystem.type.rawValue && found[0].uuid == fileSystem.uuid
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
