/// A disk of a virtual machine.
public struct LabDisk: Sendable {
  public enum Format: String, Sendable { case qcow2, raw }
  /// How the machine sees it; each with its serial number.
  public enum Bus: Sendable { case virtio, sata, nvme }

  public var path: String
  public var serial: String
  public var format: Format
  public var bus: Bus
  /// Of its sectors, logical and physical, in bytes: 512, or 4096, from which SeaBIOS does not boot.
  public var blockSize = 512
  /// A byte of the disk that can not be read: each read of it fails with EIO. For raw disks.
  public var unreadableByte: UInt64?
  /// Between the machine and the image, for power cuts that lose what was not flushed; without one nothing is lost.
  public var server: LabDiskServer?

  public init(path: String, serial: String, format: Format = .qcow2, bus: Bus = .virtio) {
    self.path = path
    self.serial = serial
    self.format = format
    self.bus = bus
  }

  /// Makes an empty disk.
  public static func make(path: String, serial: String, gibibytes: Int, format: Format = .qcow2, bus: Bus = .virtio)
    async throws -> LabDisk
  {
    try await LabTool.run("qemu-img", ["create", "-q", "-f", format.rawValue, path, "\(gibibytes)G"])
    return LabDisk(path: path, serial: serial, format: format, bus: bus)
  }

  /// A copy of it as it is now, to be compared with later.
  public func copy(to path: String) async throws -> LabDisk {
    // Holes stay holes: a copy takes as long as the disk's contents are, not its size.
    try await LabTool.run("cp", ["--sparse=always", self.path, path])
    return LabDisk(path: path, serial: serial, format: format, bus: bus)
  }

  /// Throws where a machine would read a single byte differently from the two.
  public func mustEqual(_ other: LabDisk) async throws {
    try await LabTool.run(
      "qemu-img", ["compare", "-f", format.rawValue, "-F", other.format.rawValue, path, other.path])
  }

  /// QEMU's arguments for the disk with the index `number`.
  func arguments(_ number: Int, isOrdered: Bool) -> [String] {
    let name = "disk\(number)"
    // The disk of a test need not survive a power cut of the host. A disk with a cache of its own gets each flush.
    let image =
      server.map { "file=\($0.url),format=raw,cache=writeback" }
      ?? "file=\(path),format=\(format.rawValue),cache=unsafe,discard=unmap"
    var drive = ["-drive", "if=none,id=\(name),\(image)"]
    if let unreadableByte {
      drive = [
        "-blockdev", "driver=file,node-name=\(name)-file,filename=\(path),cache.no-flush=on,discard=unmap",
        "-blockdev",
        "driver=blkdebug,node-name=\(name)-faults,image=\(name)-file,inject-error.0.event=none,"
          + "inject-error.0.iotype=read,inject-error.0.errno=5,inject-error.0.sector=\(unreadableByte / 512)",
        "-blockdev", "driver=raw,node-name=\(name),file=\(name)-faults",
      ]
    }
    let sectors = blockSize == 512 ? "" : ",logical_block_size=\(blockSize),physical_block_size=\(blockSize)"
    let end = "drive=\(name),serial=\(serial)\(sectors)" + (isOrdered ? ",bootindex=\(10 + number)" : "")
    return switch bus {
    case .virtio: drive + ["-device", "virtio-blk-pci,\(end)"]
    case .sata: drive + ["-device", "ich9-ahci,id=ahci\(number)", "-device", "ide-hd,bus=ahci\(number).0,\(end)"]
    case .nvme: drive + ["-device", "nvme,\(end)"]
    }
  }
}
