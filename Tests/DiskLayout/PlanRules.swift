import DiskLayout
import Testing

/// What holds for every plan, whatever it is made for.
enum PlanRules {
  static let mebibyte: UInt64 = 1 << 20
  static let gibibyte: UInt64 = 1 << 30

  static func check(_ plan: LayoutPlan, poolPercent: Int = 95) {
    #expect(plan.partitions.map(\.role) == [.bios, .esp, .system, .data])
    var free = mebibyte
    for partition in plan.partitions {
      #expect(partition.start >= free, "partition \(partition.number) overlaps the one before it")
      #expect(partition.start % mebibyte == 0 && partition.size % mebibyte == 0, "not aligned")
      free = partition.end
    }
    // GPT's second copy: 128 entries of 128 bytes and a header.
    let sector = plan.disk.logicalSectorSize
    #expect(free + (16384 + sector - 1) / sector * sector + sector <= plan.disk.size, "no room for the second table")
    #expect(plan.disk.size - free < 2 * mebibyte, "room is left unused")
    #expect(plan.partition(.bios)?.size == mebibyte)
    #expect(plan.partition(.esp)?.size == gibibyte)
    #expect((plan.partition(.system)?.size ?? 0) >= 8 * gibibyte)

    let data = plan.partition(.data)?.size ?? 0
    #expect(data >= 4 * gibibyte)
    let group = plan.volumeGroup.extents * plan.volumeGroup.extentSize
    #expect(group < data && data - group <= mebibyte + plan.volumeGroup.extentSize)
    #expect(plan.pool.size <= plan.volumeGroup.extents * UInt64(poolPercent) / 100 * plan.volumeGroup.extentSize)
    // Pool, metadata, LVM's spare of the metadata, and as much free again for a repair.
    #expect(plan.pool.size + 2 * plan.pool.metadataSize + plan.pool.freeInGroup == group)
    #expect(plan.pool.freeInGroup >= plan.pool.metadataSize)
    #expect(plan.pool.size % plan.volumeGroup.extentSize == 0)
    #expect(plan.pool.metadataSize >= plan.pool.size / plan.pool.chunkSize * 64)
    #expect(plan.pool.metadataSize <= 16_191 * mebibyte, "above LVM's limit of 15.81 GiB")
    #expect(plan.pool.chunkSize % (64 << 10) == 0)
    #expect(plan.volumes.allSatisfy { $0.size <= plan.pool.size && $0.size % plan.volumeGroup.extentSize == 0 })

    let identifiers = [plan.tableUUID] + plan.partitions.map(\.uuid) + plan.fileSystems.map(\.uuid)
    #expect(Set(identifiers).count == identifiers.count)
    #expect(plan.fileSystems.first?.mountPoint == "/")
    #expect(plan.volumeGroup.tags.contains("bootstead"))
  }

  static func caseName(_ refusal: LayoutRefusal) -> String {
    String("\(Mirror(reflecting: refusal).children.first?.label ?? "")")
  }
}
