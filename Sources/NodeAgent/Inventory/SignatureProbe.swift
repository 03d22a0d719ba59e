import CBlkid
import DiskLayout
import Glibc

/// Asks libblkid what is on a device, by its low-level interface: no cache, no configuration, no udev.
package enum SignatureProbe {
  package enum Outcome: Sendable, Hashable {
    case found([Signature])
    case unreadable(String)
  }

  /// What is on a whole device.
  package static func signatures(ofDevice path: String) -> Outcome {
    switch open(path) {
    case .failure(let error): return .unreadable(error.problem)
    case .success(let descriptor):
      defer { close(descriptor) }
      return signatures(descriptor, offset: 0, size: 0)
    }
  }

  /// Partition table, partitions and signatures of a disk.
  package static func contents(ofDevice path: String) -> DiskContents {
    switch open(path) {
    case .failure(let error): return DiskContents(unreadable: error.problem)
    case .success(let descriptor):
      defer { close(descriptor) }
      return contents(descriptor)
    }
  }

  /// BLKFLSBUF, `_IO(0x12, 97)` (linux/fs.h).
  private static let flushBuffers: UInt = 0x1261

  /// The volume group that a physical volume belongs to.
  static func volumeGroup(ofDevice path: String) -> VolumeGroupRecord? {
    guard case .success(let descriptor) = open(path) else { return nil }
    defer { close(descriptor) }
    return VolumeGroupMetadata.read(descriptor, offset: 0)
  }

  private struct Problem: Error { let problem: String }

  private static func open(_ path: String) -> Result<Int32, Problem> {
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return .failure(Problem(problem: "\(path): \(errorText(errno))")) }
    // The kernel caches a disk and its partitions apart: what LVM and mkfs wrote to a partition would not be seen
    // through the disk. On a file the call fails, and is not needed.
    _ = ioctl(descriptor, flushBuffers)
    return .success(descriptor)
  }

  private static func errorText(_ number: Int32) -> String { String(cString: strerror(number)) }

  private static func contents(_ descriptor: Int32) -> DiskContents {
    guard let probe = blkid_new_probe() else { return DiskContents(unreadable: "libblkid has no memory") }
    defer { blkid_free_probe(probe) }
    guard blkid_probe_set_device(probe, descriptor, 0, 0) == 0 else {
      return DiskContents(unreadable: "libblkid cannot open it: \(errorText(errno))")
    }
    blkid_probe_enable_superblocks(probe, 0)
    blkid_probe_enable_partitions(probe, 1)
    blkid_probe_set_partitions_flags(probe, BLKID_PARTS_ENTRY_DETAILS)
    errno = 0
    let result = blkid_do_safeprobe(probe)
    // -2: several tables contradict each other; then the signatures below tell what is there.
    if result == -1 { return DiskContents(unreadable: "read error: \(errorText(errno))") }

    var contents = DiskContents()
    if result == 0, let list = blkid_probe_get_partitions(probe) {
      if let table = blkid_partlist_get_table(list) {
        contents.table = PartitionTable(
          kind: text(blkid_parttable_get_type(table)) ?? "unknown",
          uuid: text(blkid_parttable_get_id(table))?.lowercased())
      }
      for index in 0..<max(0, blkid_partlist_numof_partitions(list)) {
        guard let partition = blkid_partlist_get_partition(list, index) else { continue }
        contents.partitions.append(found(partition, descriptor))
      }
    }
    switch signatures(descriptor, offset: 0, size: 0) {
    case .unreadable(let problem): contents.unreadable = problem
    case .found(let signatures):
      // A boot sector of a DOS table is taken for a FAT or other file system at times; those in partitions count.
      contents.signatures = signatures
    }
    if result == -2, contents.table == nil {
      contents.table = PartitionTable(kind: "ambiguous")
    }
    return contents
  }

  private static func found(_ partition: blkid_partition, _ descriptor: Int32) -> FoundPartition {
    // libblkid counts in sectors of 512 bytes, whatever the disk's own are.
    let start = bytes(blkid_partition_get_start(partition))
    let size = bytes(blkid_partition_get_size(partition))
    var result = FoundPartition(
      number: Int(blkid_partition_get_partno(partition)), start: start, size: size,
      type: text(blkid_partition_get_type_string(partition))?.lowercased()
        ?? "0x" + String(blkid_partition_get_type(partition), radix: 16),
      name: text(blkid_partition_get_name(partition)), uuid: text(blkid_partition_get_uuid(partition))?.lowercased())
    guard size > 0, blkid_partition_is_extended(partition) == 0 else { return result }
    if case .found(let signatures) = signatures(descriptor, offset: start, size: size) {
      result.signatures = signatures
    }
    return result
  }

  private static func bytes(_ sectors: blkid_loff_t) -> UInt64 {
    let (value, overflow) = UInt64(max(0, sectors)).multipliedReportingOverflow(by: 512)
    return overflow ? 0 : value
  }

  /// - Parameter size: 0 means up to the end of the device.
  private static func signatures(_ descriptor: Int32, offset: UInt64, size: UInt64) -> Outcome {
    guard let probe = blkid_new_probe() else { return .unreadable("libblkid has no memory") }
    defer { blkid_free_probe(probe) }
    guard let start = blkid_loff_t(exactly: offset), let length = blkid_loff_t(exactly: size),
      blkid_probe_set_device(probe, descriptor, start, length) == 0
    else { return .unreadable("libblkid cannot read at \(offset): \(errorText(errno))") }
    blkid_probe_enable_partitions(probe, 0)
    blkid_probe_enable_superblocks(probe, 1)
    blkid_probe_set_superblocks_flags(
      probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_LABEL | BLKID_SUBLKS_UUID | BLKID_SUBLKS_USAGE)
    var found: [Signature] = []
    // blkid_do_probe gives one signature a call, also where several lie on one device; a defect must not loop.
    for _ in 0..<32 {
      errno = 0
      let result = blkid_do_probe(probe)
      if result == 1 { break }
      guard result == 0 else {
        return found.isEmpty ? .unreadable("read error: \(errorText(errno))") : .found(found)
      }
      guard let type = value(probe, "TYPE") else { continue }
      var signature = Signature(type: type, label: value(probe, "LABEL"), uuid: value(probe, "UUID"))
      if type == "LVM2_member" {
        signature.volumeGroup = VolumeGroupMetadata.read(descriptor, offset: offset)?.found
      }
      if !found.contains(signature) { found.append(signature) }
    }
    return .found(found)
  }

  private static func value(_ probe: blkid_probe, _ name: String) -> String? {
    var data: UnsafePointer<CChar>?
    guard blkid_probe_lookup_value(probe, name, &data, nil) == 0 else { return nil }
    return text(data)
  }

  private static func text(_ pointer: UnsafePointer<CChar>?) -> String? {
    guard let pointer else { return nil }
    let text = String(cString: pointer)
    return text.isEmpty ? nil : text
  }
}
