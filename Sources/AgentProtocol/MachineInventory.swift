public import DiskLayout
public import NetworkAddress

/// What a machine is made of, as its agent reports it.
public struct MachineInventory: Codable, Sendable, Hashable {
  public var processor: Processor
  /// Memory that the kernel can use, in bytes.
  public var memoryBytes: UInt64
  public var firmware: Firmware
  /// `1.2` or `2.0`, where the machine has a TPM.
  public var tpmVersion: String?
  public var product: Product
  public var interfaces: [NetworkInterface]
  public var disks: DiskInventory
  /// What runs has `nixos-install`; nil where it has not.
  public var buildsSystems: Bool?

  public init(
    processor: Processor, memoryBytes: UInt64, firmware: Firmware, tpmVersion: String? = nil,
    product: Product = Product(), interfaces: [NetworkInterface] = [], disks: DiskInventory = DiskInventory(),
    buildsSystems: Bool? = nil
  ) {
    self.processor = processor
    self.memoryBytes = memoryBytes
    self.firmware = firmware
    self.tpmVersion = tpmVersion
    self.product = product
    self.interfaces = interfaces
    self.disks = disks
    self.buildsSystems = buildsSystems
  }

  public var hasTPM: Bool { tpmVersion != nil }

  /// The processors of a machine, taken together.
  public struct Processor: Codable, Sendable, Hashable {
    public var model: String?
    /// As `uname -m` prints it: `x86_64`, `aarch64`.
    public var architecture: String
    /// Hardware threads that are online.
    public var threads: Int
    /// Physical cores, where the kernel tells them apart.
    public var cores: Int?

    public init(model: String? = nil, architecture: String, threads: Int, cores: Int? = nil) {
      self.model = model
      self.architecture = architecture
      self.threads = threads
      self.cores = cores
    }
  }

  /// The firmware that started the machine.
  public struct Firmware: Codable, Sendable, Hashable {
    public var kind: Kind
    /// 32 or 64: the word size of UEFI, which may differ from the kernel's.
    public var uefiBits: Int?
    public var secureBoot: SecureBoot
    public var vendor: String?
    public var version: String?

    public init(
      kind: Kind, uefiBits: Int? = nil, secureBoot: SecureBoot = .unsupported, vendor: String? = nil,
      version: String? = nil
    ) {
      self.kind = kind
      self.uefiBits = uefiBits
      self.secureBoot = secureBoot
      self.vendor = vendor
      self.version = version
    }

    public enum Kind: String, Codable, Sendable, Hashable { case bios, uefi }
    public enum SecureBoot: String, Codable, Sendable, Hashable { case enabled, disabled, setupMode, unsupported }
  }

  /// The names that SMBIOS gives; placeholders of board makers are left out.
  public struct Product: Codable, Sendable, Hashable {
    public var vendor: String?
    public var name: String?
    public var version: String?
    public var serial: String?
    public var uuid: SystemUUID?
    public var boardVendor: String?
    public var boardName: String?
    public var boardSerial: String?

    public init(
      vendor: String? = nil, name: String? = nil, version: String? = nil, serial: String? = nil,
      uuid: SystemUUID? = nil, boardVendor: String? = nil, boardName: String? = nil, boardSerial: String? = nil
    ) {
      self.vendor = vendor
      self.name = name
      self.version = version
      self.serial = serial
      self.uuid = uuid
      self.boardVendor = boardVendor
      self.boardName = boardName
      self.boardSerial = boardSerial
    }
  }

  /// A network interface backed by hardware.
  public struct NetworkInterface: Codable, Sendable, Hashable {
    /// The kernel's name in this boot.
    public var name: String
    /// The permanent address where the driver tells it.
    public var mac: MACAddress
    public var driver: String?
    public var hasLink: Bool
    /// Megabits per second, while there is a link.
    public var speedMegabits: Int?
    /// As `0000:01:00.0`.
    public var busAddress: String?

    public init(
      name: String, mac: MACAddress, driver: String? = nil, hasLink: Bool, speedMegabits: Int? = nil,
      busAddress: String? = nil
    ) {
      self.name = name
      self.mac = mac
      self.driver = driver
      self.hasLink = hasLink
      self.speedMegabits = speedMegabits
      self.busAddress = busAddress
    }
  }
}
