import Glibc

/// Reads from a physical volume to which volume group it belongs, without LVM: nothing is scanned, locked or activated.
///
/// The format is that of LVM2's `lib/format_text/layout.h` and `lib/label/label.h`: a label in one of the first four
/// sectors, behind it the list of metadata areas, and in such an area the current text of the group.
package enum VolumeGroupMetadata {
  private static let sector = 512
  /// The header of a metadata area; the text lies in a ring behind it.
  private static let areaHeader: UInt64 = 512
  /// LVM's own areas are 1 MiB by default; larger ones exist for large groups.
  private static let textLimit: UInt64 = 16 << 20

  static func read(_ descriptor: Int32, offset: UInt64) -> VolumeGroupRecord? {
    read { position, count in
      let (start, overflow) = offset.addingReportingOverflow(position)
      guard !overflow, let start = off_t(exactly: start), count <= Int(textLimit) else { return nil }
      var buffer = [UInt8](repeating: 0, count: count)
      var done = 0
      while done < count {
        let got = buffer.withUnsafeMutableBytes {
          pread(descriptor, $0.baseAddress.map { $0 + done }, count - done, start + off_t(done))
        }
        if got < 0, errno == EINTR { continue }
        guard got > 0 else { return nil }
        done += got
      }
      return buffer
    }
  }

  /// - Parameter bytes: gives so many bytes from a position on the volume, or nil.
  package static func read(_ bytes: (UInt64, Int) -> [UInt8]?) -> VolumeGroupRecord? {
    guard let head = bytes(0, 4 * sector) else { return nil }
    for start in stride(from: 0, to: 4 * sector, by: sector)
    where head[start..<start + 8].elementsEqual("LABELONE".utf8) {
      guard let content = number(head, start + 20, 4), content < UInt64(sector) else { return nil }
      for area in metadataAreas(head, start + Int(content)) {
        if let text = areaText(area.offset, area.size, bytes), let group = parse(text) { return group }
      }
      return nil
    }
    return nil
  }

  private static func metadataAreas(_ head: [UInt8], _ header: Int) -> [(offset: UInt64, size: UInt64)] {
    // UUID (32 bytes) and device size (8); then the data areas, then the metadata areas, each list closed by zeros.
    var position = header + 40
    var lists: [[(offset: UInt64, size: UInt64)]] = [[], []]
    for list in 0..<2 {
      while let offset = number(head, position, 8), let size = number(head, position + 8, 8) {
        position += 16
        if offset == 0 { break }
        lists[list].append((offset, size))
      }
    }
    return lists[1]
  }

  private static func areaText(_ start: UInt64, _ size: UInt64, _ bytes: (UInt64, Int) -> [UInt8]?) -> [UInt8]? {
    guard size > areaHeader, let header = bytes(start, sector),
      header.count >= 64, header[4..<20].elementsEqual(" LVM2 x[5A%r0N*>".utf8),
      let offset = number(header, 40, 8), let length = number(header, 48, 8), let flags = number(header, 60, 4),
      offset >= areaHeader, offset < size, length > 0, length <= min(size - areaHeader, textLimit), flags & 1 == 0
    else { return nil }
    let first = min(length, size - offset)
    let (position, overflow) = start.addingReportingOverflow(offset)
    let (ring, ringOverflow) = start.addingReportingOverflow(areaHeader)
    guard !overflow, !ringOverflow, var text = bytes(position, Int(first)) else { return nil }
    if first < length {
      guard let rest = bytes(ring, Int(length - first)) else { return nil }
      text += rest
    }
    return text
  }

  private static func number(_ bytes: [UInt8], _ position: Int, _ count: Int) -> UInt64? {
    guard position >= 0, position + count <= bytes.count else { return nil }
    return bytes[position..<position + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  // MARK: Text

  private enum Token: Equatable {
    case word(String)
    case string(String)
    case sign(UInt8)
  }

  /// Name, UUID, tags and logical volumes out of a group's text.
  package static func parse(_ text: [UInt8]) -> VolumeGroupRecord? {
    var path: [String] = []
    var group = VolumeGroupRecord(name: "", uuid: "")
    var volume = LogicalVolumeRecord(name: "")
    var key = ""
    var inList = false
    var isValue = false
    for token in tokens(text) {
      let follows = isValue
      isValue = token == .sign(UInt8(ascii: "="))
      switch token {
      case .word(let word) where follows: number(word, key, path, &group, &volume)
      case .word(let word): if !inList { key = word }
      case .sign(UInt8(ascii: "{")):
        if path.isEmpty {
          guard group.name.isEmpty else { return complete(group) }
          group.name = key
        }
        path.append(key)
        if path.count == 3 { volume = LogicalVolumeRecord(name: key) }
        // LVM nests five deep; a file that goes on and on is none of its.
        guard path.count < 64 else { return nil }
      case .sign(UInt8(ascii: "}")):
        guard !path.isEmpty else { return nil }
        if path.count == 3, path[1] == "logical_volumes" { group.volumes.append(volume) }
        path.removeLast()
      case .sign(UInt8(ascii: "[")): inList = true
      case .sign(UInt8(ascii: "]")): inList = false
      case .sign: break
      case .string(let value): string(value, key, path, &group, &volume)
      }
    }
    return complete(group)
  }

  private static func string(
    _ value: String, _ key: String, _ path: [String], _ group: inout VolumeGroupRecord,
    _ volume: inout LogicalVolumeRecord
  ) {
    switch (path.count, key) {
    case (1, "id"): group.uuid = value
    case (1, "tags"): group.tags.append(value)
    case (3, "id"):
      if path[1] == "physical_volumes" { group.physicalVolumes.append(value) } else { volume.uuid = value }
    case (3, "tags"): volume.tags.append(value)
    case (3, "status"): if value == "VISIBLE" { volume.isVisible = true }
    case (4, "type"): volume.segmentType = value
    case (4, "thin_pool"): volume.pool = value
    case (4, "metadata"): volume.metadataVolume = value
    case (4, "pool"): volume.dataVolume = value
    default: break
    }
  }

  private static func number(
    _ text: String, _ key: String, _ path: [String], _ group: inout VolumeGroupRecord,
    _ volume: inout LogicalVolumeRecord
  ) {
    guard let value = UInt64(text) else { return }
    switch (path.count, key) {
    // LVM counts in sectors of 512 bytes.
    case (1, "extent_size"): group.extentSize = value <= 1 << 40 ? value * 512 : 0
    case (4, "extent_count"): volume.extents &+= value
    case (4, "device_id"): volume.deviceNumber = value
    case (4, "chunk_size"): volume.chunkSize = value <= 1 << 40 ? value * 512 : 0
    default: break
    }
  }

  private static func complete(_ group: VolumeGroupRecord) -> VolumeGroupRecord? {
    group.name.isEmpty || group.uuid.isEmpty ? nil : group
  }

  private static func tokens(_ text: [UInt8]) -> [Token] {
    var tokens: [Token] = []
    var rest = text[...]
    while let byte = rest.first {
      switch byte {
      case 0: return tokens
      case UInt8(ascii: "#"): rest = rest.drop { $0 != UInt8(ascii: "\n") }
      case UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "="),
        UInt8(ascii: ","):
        tokens.append(.sign(byte))
        rest = rest.dropFirst()
      case UInt8(ascii: "\""):
        rest = rest.dropFirst()
        var value: [UInt8] = []
        while let next = rest.popFirst(), next != UInt8(ascii: "\"") {
          if next == UInt8(ascii: "\\"), let escaped = rest.popFirst() {
            value.append(escaped)
          } else {
            value.append(next)
          }
        }
        tokens.append(.string(String(decoding: value, as: UTF8.self)))
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\n"), UInt8(ascii: "\r"): rest = rest.dropFirst()
      default:
        let word = rest.prefix { !" \t\r\n#{}[]=,\"\0".utf8.contains($0) }
        tokens.append(.word(String(decoding: word, as: UTF8.self)))
        rest = rest.dropFirst(word.count)
      }
    }
    return tokens
  }
}
