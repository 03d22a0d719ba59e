/// The numbers of a volume group with one thin pool on one partition.
struct PoolGeometry {
  var extents: UInt64
  var dataExtents: UInt64
  var metadataExtents: UInt64
  var chunkSize: UInt64

  /// LVM's default, and the unit of all of its sizes.
  static let extentSize: UInt64 = 4 * ByteSize.mebibyte
  /// Label and metadata area of a physical volume: LVM starts the first extent at 1 MiB (lvmconfig
  /// devices/default_data_alignment).
  static let physicalVolumeHeader: UInt64 = ByteSize.mebibyte
  /// The largest metadata volume that LVM makes is 15.81 GiB (lvmthin(7), "Metadata size"); in whole extents.
  static let metadataLimit: UInt64 = 4047 * extentSize
  /// thin_metadata_size and lvmthin(7) reckon 64 bytes for a chunk.
  private static let bytesPerChunk: UInt64 = 64
  /// Metadata beyond this makes thin_check slow at each start: rather take larger chunks.
  private static let metadataAim: UInt64 = 2 * ByteSize.gibibyte
  /// For the small pool, where snapshots of few chunks would run out first.
  private static let metadataMinimum: UInt64 = 16 * ByteSize.mebibyte
  /// The kernel's smallest chunk.
  static let chunkMinimum: UInt64 = 64 * ByteSize.kibibyte
  /// The kernel's largest chunk.
  static let chunkMaximum: UInt64 = ByteSize.gibibyte

  var freeExtents: UInt64 { extents - dataExtents - 2 * metadataExtents }

  /// - Parameter size: of the partition, in bytes; at least 1 GiB.
  init(partitionSize size: UInt64, spec: LayoutSpec, disk: String) throws(LayoutRefusal) {
    extents = (size - Self.physicalVolumeHeader) / Self.extentSize
    var data = extents * UInt64(spec.poolPercent) / 100
    if let asked = spec.chunkSize {
      chunkSize = asked
    } else {
      chunkSize = Self.chunkMinimum
      while Self.metadata(data, chunkSize) > Self.metadataAim, chunkSize < Self.chunkMaximum { chunkSize *= 2 }
    }
    let metadata = Self.metadata(data, chunkSize)
    guard metadata <= Self.metadataLimit else {
      throw .metadataTooLarge(disk: disk, chunkSize: chunkSize, needed: metadata, limit: Self.metadataLimit)
    }
    metadataExtents = metadata / Self.extentSize
    // The metadata, LVM's spare of it, and as much again: a repair writes a new metadata volume beside the old ones.
    guard extents > 3 * metadataExtents else {
      throw .metadataTooLarge(
        disk: disk, chunkSize: chunkSize, needed: 3 * metadata, limit: extents * Self.extentSize)
    }
    data = min(data, extents - 3 * metadataExtents)
    dataExtents = data
  }

  /// Bytes of metadata for a pool of so many extents, in whole extents.
  private static func metadata(_ extents: UInt64, _ chunkSize: UInt64) -> UInt64 {
    let chunks = (extents * extentSize + (chunkSize - 1)) / chunkSize
    return ByteSize.up(max(chunks * bytesPerChunk, metadataMinimum), to: extentSize)
  }
}
