/// A disk of a virtual machine.
public struct LabDisk: Sendable {
  public enum Format: String, Sendable { case qcow2, raw }
  /// How the machine sees it; each with its serial number.
  public enum Bus: Sendable { case virtio, sata, nvme }

  public var path: String
  public var serial: String
  public var format: Format
  public var bus: Bus

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

  /// SHA-256 of all that a machine would read from it.
  public func digest() async throws -> String {
    guard format == .raw else {
      let raw = path + ".raw"
      try await LabTool.run("qemu-img", ["convert", "-O", "raw", path, raw])
      let digest = try await LabDisk(path: raw, serial: serial, format: .raw, bus: bus).digest()
      try await LabTool.run("rm", ["-f", raw])
      return digest
    }
    let line = try await LabTool.run("sha256sum", [path])
    return String(line.prefix { $0 != " " })
  }

  /// QEMU's arguments for the disk with the index `number`.
  func arguments(_ number: Int, isOrdered: Bool) -> [String] {
    let name = "disk\(number)"
    // The disk of a test need not survive a power cut of the host.
    let drive = ["-drive", "if=none,id=\(name),file=\(path),format=\(format.rawValue),cache=unsafe,discard=unmap"]
    let end = "drive=\(name),serial=\(serial)" + (isOrdered ? ",bootindex=\(10 + number)" : "")
    return switch bus {
    case .virtio: drive + ["-device", "virtio-blk-pci,\(end)"]
    case .sata: drive + ["-device", "ich9-ahci,id=ahci\(number)", "-device", "ide-hd,bus=ahci\(number).0,\(end)"]
    case .nvme: drive + ["-device", "nvme,\(end)"]
    }
  }
}
