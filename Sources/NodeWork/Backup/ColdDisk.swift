import ProgramRunner

/// A disk that is plugged in for a copy. It is mounted, and never formatted.
struct ColdDisk: Sendable {
  let device: String
  let runner: any CommandRunner

  /// - Throws: where it is not plugged in, is mounted already, or carries nothing that can be mounted.
  func check() async throws(NodeWorkError) {
    guard device.hasPrefix("/dev/"), DurableFile.exists(device) else {
      throw NodeWorkError(
        .storage, "\(device) is not plugged in", advice: "plug the disk in; 'ls /dev/disk/by-id' shows what is there")
    }
    var mounted = Command("findmnt", ["--noheadings", "--output", "TARGET", "--source", device])
    // 1: it is not.
    mounted.acceptedCodes = [0, 1]
    let found = try await runner.work(mounted, .storage)
    guard found.code == 1 else {
      throw NodeWorkError(
        .storage,
        "\(device) is mounted already, at \(found.standardOutput.split(whereSeparator: \.isNewline).joined(separator: ", "))",
        advice: "unmount it: nothing but the copy mounts it")
    }
    var probe = Command("blkid", ["--probe", "--output", "export", device])
    // 2: nothing was found. 8: several things at once.
    probe.acceptedCodes = [0, 2, 8]
    let output = try await runner.work(probe, .storage)
    var fields: [String: String] = [:]
    for line in output.standardOutput.split(whereSeparator: \.isNewline) {
      guard let equals = line.firstIndex(of: "=") else { continue }
      fields[String(line[..<equals])] = String(line[line.index(after: equals)...])
    }
    guard output.code == 0, fields["USAGE"] == "filesystem", let type = fields["TYPE"] else {
      let what =
        output.code == 8
        ? "several things at once" : fields["TYPE"] ?? fields["PTTYPE"].map { "a partition table (\($0))" }
      throw NodeWorkError(
        .storage, "\(device) carries \(what ?? "nothing that is known"), and no file system",
        advice:
          "name the partition with the file system; a new disk gets one by hand ('mkfs.ext4'), as nothing here formats one"
      )
    }
    guard ["ext4", "ext3", "ext2", "xfs", "btrfs", "f2fs"].contains(type) else {
      throw NodeWorkError(
        .storage, "\(device) carries \(type), which keeps no Borg repository safe",
        advice: "take a disk with ext4, xfs or btrfs")
    }
  }

  func mount(at path: String) async throws(NodeWorkError) {
    try await runner.work(Command("mount", ["-o", "rw,nosuid,nodev,noexec", device, path]), .storage)
  }
}
