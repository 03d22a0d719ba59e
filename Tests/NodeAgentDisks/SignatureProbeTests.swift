import ProgramRunner
import DiskLayout
import Foundation
import NodeAgent
import Testing

/// A sparse file that stands for a disk.
struct DiskImage: ~Copyable {
  let path: String

  init(size: UInt64) throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "bootstead-disk-\(UUID().uuidString).img")
    path = file.path
    try Data().write(to: file)
    let handle = try FileHandle(forWritingTo: file)
    try handle.truncate(atOffset: size)
    try handle.close()
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func write(_ bytes: [UInt8], at offset: UInt64) throws {
    let handle = try FileHandle(forWritingTo: URL(filePath: path))
    try handle.seek(toOffset: offset)
    try handle.write(contentsOf: Data(bytes))
    try handle.close()
  }
}

@Suite("What libblkid finds, on disks that the real tools made")
struct SignatureProbeTests {
  private let runner = SubprocessRunner()

  private func plan(_ size: UInt64) throws -> LayoutPlan {
    let disk = Disk(id: "virtio-LAB0001", node: "/dev/vda", size: size, bus: .virtio, serial: "LAB0001")
    return try LayoutPlanner.plan(
      inventory: DiskInventory(disks: [disk]), spec: LayoutSpec(),
      identity: LayoutIdentity(machineName: "node1", machineID: "machine-1", installID: "install-1"))
  }

  @Test(
    "sfdisk makes of a plan's script exactly the plan's partitions",
    arguments: [40 << 30, 16_000_000_000, 22_000_969_973_760] as [UInt64])
  func table(_ size: UInt64) async throws {
    // A sparse file of 22 TB needs a file system that takes files so large.
    guard let image = try? DiskImage(size: size) else { return }
    let plan = try plan(size)
    let script = DiskExecutor.partitionScript(try #require(plan.tables.first))
    try await runner.run(Command("sfdisk", ["--quiet", image.path], input: script))
    let contents = SignatureProbe.contents(ofDevice: image.path)
    #expect(contents.table == PartitionTable(kind: "gpt", uuid: plan.tableUUID))
    #expect(
      contents.partitions
        == plan.partitions.map {
          FoundPartition(
            number: $0.number, start: $0.start, size: $0.size, type: $0.typeGUID, name: $0.name, uuid: $0.uuid)
        })
    #expect(contents.signatures.isEmpty && contents.unreadable == nil)
  }

  @Test("File systems in partitions are found with label and UUID, and a whole disk's as well")
  func fileSystems() async throws {
    let plan = try plan(40 << 30)
    let image = try DiskImage(size: 40 << 30)
    let script = DiskExecutor.partitionScript(try #require(plan.tables.first))
    try await runner.run(Command("sfdisk", ["--quiet", image.path], input: script))
    let system = try #require(plan.partition(.system))
    try await runner.run(
      Command(
        "mkfs.ext4",
        [
          "-q", "-F", "-L", "bootstead-root", "-U", plan.fileSystems[0].uuid, "-E", "offset=\(system.start)",
          image.path,
          "100M",
        ]))
    let found = SignatureProbe.contents(ofDevice: image.path)
    #expect(
      found.partitions[2].signatures == [
        Signature(type: "ext4", label: "bootstead-root", uuid: plan.fileSystems[0].uuid)
      ])

    let whole = try DiskImage(size: 1 << 30)
    #expect(SignatureProbe.contents(ofDevice: whole.path).isBlank)
    try await runner.run(Command("mkfs.ext4", ["-q", "-F", "-L", "photos", whole.path]))
    let contents = SignatureProbe.contents(ofDevice: whole.path)
    #expect(contents.table == nil && contents.signatures.map(\.type) == ["ext4"])
    #expect(contents.findings.first?.contains("ext4 “photos”") == true)
  }

  @Test("A disk that cannot be opened is unreadable, not blank")
  func unreadable() {
    let contents = SignatureProbe.contents(ofDevice: "/nonexistent/disk")
    #expect(contents.unreadable?.contains("/nonexistent/disk") == true && !contents.isBlank)
  }
}
