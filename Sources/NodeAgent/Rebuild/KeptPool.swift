import ProgramRunner
import AgentProtocol
import DiskLayout

/// The thin pool of a group that is kept, opened without writing one byte to it.
///
/// LVM activates the pool's two parts read-only, as components (lvmthin(7), lvchange(8)); the kernel gets them as a pool
/// of its own with `read_only` (Documentation/admin-guide/device-mapper/thin-provisioning.rst), in which metadata is
/// not changed. LVM's own activation would write: it opens a transaction.
struct KeptPool: Sendable {
  let group: VolumeGroupRecord
  let pool: LogicalVolumeRecord
  /// The nodes of the group's physical volumes; LVM sees no others.
  let devices: [String]
  let runner: any CommandRunner
  let hasUdev: Bool

  /// Before the names of our own device-mapper devices.
  static let prefix = "bootstead-read-"
  private var poolDevice: String { Self.prefix + "pool" }

  private var metadataVolume: String { pool.metadataVolume ?? pool.name + "_tmeta" }
  private var dataVolume: String { pool.dataVolume ?? pool.name + "_tdata" }

  /// The node of one of the group's volumes: hyphens in names are doubled (libdm, `dm_build_dm_name`).
  private func node(_ volume: String) -> String {
    func escaped(_ name: String) -> String { name.map { $0 == "-" ? "--" : String($0) }.joined() }
    return "/dev/mapper/\(escaped(group.name))-\(escaped(volume))"
  }

  /// What `thin_check` has to say; empty where the metadata is sound.
  func check() async throws -> [String] {
    try await close()
    try await activate(metadataVolume)
    let findings: [String]
    do {
      // Metadata of some GiB on a slow disk takes minutes.
      try await runner.run(Command("thin_check", ["--quiet", node(metadataVolume)], timeout: .seconds(3600)))
      findings = []
    } catch {
      let failure = error
      guard case .exited = failure.ending else {
        try await close()
        throw RebuildRefusal.unknownState(
          what: "The pool \(group.name)/\(pool.name) can not be checked", detail: "\(failure)")
      }
      findings = failure.lastLines.isEmpty ? ["thin_check: \(failure)"] : failure.lastLines
    }
    try await close()
    return findings
  }

  /// Makes new metadata out of what is left of the old; LVM keeps the old in a volume beside it.
  func repair() async throws {
    try await close()
    try await lvm("lvconvert", ["--yes", "--repair", "\(group.name)/\(pool.name)"], timeout: .seconds(7200))
  }

  /// Hashes the pool's volumes.
  /// - Parameter say: gets what the operator should know of the pool: that it is full, for instance.
  func fingerprints(
    _ depth: FingerprintDepth, reader: any VolumeReading, say: @Sendable (String) -> Void
  ) async throws -> [VolumeFingerprint] {
    try await close()
    do {
      let fingerprints = try await read(depth, reader, say)
      try await close()
      return fingerprints
    } catch {
      // What failed first is what is told.
      try? await close()
      throw error
    }
  }

  private func read(
    _ depth: FingerprintDepth, _ reader: any VolumeReading, _ say: @Sendable (String) -> Void
  ) async throws -> [VolumeFingerprint] {
    guard let chunk = pool.chunkSize, chunk >= 512, group.extentSize >= 512 else {
      throw RebuildRefusal.unknownState(
        what: "The pool \(group.name)/\(pool.name)", detail: "its metadata names no chunk size")
    }
    try await activate(metadataVolume)
    try await activate(dataVolume)
    let sectors = pool.extents.multipliedReportingOverflow(by: group.extentSize / 512)
    guard !sectors.overflow else {
      throw RebuildRefusal.unknownState(what: "The pool \(group.name)/\(pool.name)", detail: "its size is not credible")
    }
    // No `--readonly` here: the kernel takes no pool into a read-only table (-EINVAL); `read_only` is the pool's own way.
    try await create(
      poolDevice,
      "0 \(sectors.partialValue) thin-pool \(node(metadataVolume)) \(node(dataVolume)) \(chunk / 512) 0 1 read_only")
    let status = try await runner.run(Command("dmsetup", ["status", poolDevice])).standardOutput
    for note in PoolStatus(line: status).notes { say("pool \(group.name)/\(pool.name): \(note)") }

    var fingerprints: [VolumeFingerprint] = []
    for volume in group.volumes where volume.segmentType == "thin" && volume.pool == pool.name {
      let (size, overflow) = volume.extents.multipliedReportingOverflow(by: group.extentSize)
      guard let number = volume.deviceNumber, !overflow, size > 0 else {
        throw RebuildRefusal.missingVolume(
          name: volume.name, pool: pool.name, detail: "the group's metadata gives it no number or no size")
      }
      let device = Self.prefix + "\(number)"
      do {
        try await create(device, "0 \(size / 512) thin /dev/mapper/\(poolDevice) \(number)", options: ["--readonly"])
      } catch {
        throw RebuildRefusal.missingVolume(name: volume.name, pool: pool.name, detail: "\(error)")
      }
      let digest = try await reader.digest(ofDevice: "/dev/mapper/" + device, size: size, depth: depth)
      fingerprints.append(
        VolumeFingerprint(name: volume.name, uuid: volume.uuid, size: size, depth: depth, digest: digest))
      try await remove(device)
    }
    return fingerprints
  }

  // MARK: Devices

  private func create(_ name: String, _ table: String, options: [String] = []) async throws {
    try await runner.run(Command("dmsetup", ["create", name] + options + ["--table", table]))
  }

  private func remove(_ name: String) async throws {
    // udev looks into every new device and may still have it open.
    try await runner.run(Command("dmsetup", ["remove", "--retry", name]))
  }

  private func activate(_ volume: String) async throws {
    // Without --yes LVM asks whether a component is to be activated read-only.
    try await lvm("lvchange", ["--yes", "--activate", "y", "\(group.name)/\(volume)"])
    if hasUdev { try await runner.run(Command("udevadm", ["settle", "--timeout=120"], timeout: .seconds(150))) }
  }

  /// Lets go of everything that this or an earlier run opened.
  func close() async throws {
    let names = try await runner.run(Command("dmsetup", ["info", "--columns", "--noheadings", "-o", "name"]))
      .standardOutput.split(separator: "\n").map { $0.filter { $0 != " " } }
    let ours = names.filter { $0.hasPrefix(Self.prefix) }
    for name in ours where name != poolDevice { try await remove(name) }
    if ours.contains(poolDevice) { try await remove(poolDevice) }
    for volume in [metadataVolume, dataVolume] where names.contains(String(node(volume).dropFirst(12))) {
      try await lvm("lvchange", ["--yes", "--activate", "n", "\(group.name)/\(volume)"])
    }
  }

  @discardableResult
  func lvm(_ name: String, _ arguments: [String], timeout: Duration = .seconds(300)) async throws -> CommandOutput {
    var configuration = "activation{monitoring=0} backup{backup=0 archive=0} global{event_activation=0}"
    if !hasUdev { configuration += " activation{udev_sync=0 udev_rules=0}" }
    return try await runner.run(
      Command(
        "lvm", [name, "--devices", devices.joined(separator: ","), "--config", configuration] + arguments,
        timeout: timeout))
  }
}
