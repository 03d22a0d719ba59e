/// Writes a `newc` archive, the form that Linux unpacks as an initramfs
/// (Documentation/driver-api/early-userspace/buffer-format.rst).
///
/// The same entries always give the same bytes: modification times are 0, and inode numbers count from 1.
public struct CPIOWriter: Sendable {
  private var pending: [UInt8] = []
  private var written = 0
  private var inode: UInt32 = 0

  public init() {}

  /// Adds an entry. The kernel makes no parent directories: they have to come first.
  public mutating func append(_ entry: CPIOEntry) throws(CPIOError) {
    if let fault = CPIOPath.fault(in: entry.path) { throw .invalidPath(entry.path, reason: fault) }
    guard entry.permissions <= 0o7777 else { throw .invalidPermissions(path: entry.path, entry.permissions) }
    var body: [UInt8] = []
    var device: (major: UInt32, minor: UInt32) = (0, 0)
    switch entry.kind {
    case .file(let bytes): body = bytes
    case .directory: break
    case .symbolicLink(let target):
      let bytes = Array(target.utf8)
      guard !bytes.isEmpty else { throw .invalidPath(target, reason: .empty) }
      guard bytes.count <= CPIOPath.maximumLength else { throw .invalidPath(target, reason: .tooLong) }
      guard !bytes.contains(0) else { throw .invalidPath(target, reason: .controlCharacter) }
      body = bytes
    case .characterDevice(let major, let minor), .blockDevice(let major, let minor): device = (major, minor)
    }
    guard let size = UInt32(exactly: body.count) else { throw .fileDoesNotFit(path: entry.path, size: body.count) }
    inode &+= 1
    writeHeader(
      inode: inode, mode: entry.kind.typeBits | UInt32(entry.permissions), owner: entry.owner, group: entry.group,
      links: entry.kind == .directory ? 2 : 1, size: size, device: device, name: entry.path)
    write(body)
    align(to: 4)
  }

  /// Takes what was written so far, for an archive that is made in pieces.
  public mutating func takeBytes() -> [UInt8] {
    written += pending.count
    defer { pending = [] }
    return pending
  }

  /// Writes the end mark, pads to 512 bytes, and takes the rest. The writer begins a new archive afterwards.
  public mutating func finish() -> [UInt8] {
    writeHeader(
      inode: 0, mode: 0, owner: 0, group: 0, links: 1, size: 0, device: (0, 0), name: CPIOPath.trailer)
    align(to: 512)
    let rest = pending
    self = CPIOWriter()
    return rest
  }

  private mutating func writeHeader(
    inode: UInt32, mode: UInt32, owner: UInt32, group: UInt32, links: UInt32, size: UInt32,
    device: (major: UInt32, minor: UInt32), name: String
  ) {
    write("070701".utf8)
    let fields = [
      inode, mode, owner, group, links, 0, size, 0, 0, device.major, device.minor, UInt32(name.utf8.count) + 1, 0,
    ]
    for field in fields { write(CPIOWriter.hexadecimal(field)) }
    write(name.utf8)
    write(CollectionOfOne(0))
    align(to: 4)
  }

  private mutating func write(_ bytes: some Sequence<UInt8>) { pending.append(contentsOf: bytes) }

  private mutating func align(to unit: Int) {
    let excess = (written + pending.count) % unit
    if excess > 0 { pending.append(contentsOf: repeatElement(0, count: unit - excess)) }
  }

  private static func hexadecimal(_ value: UInt32) -> [UInt8] {
    stride(from: 28, through: 0, by: -4).map { shift in
      let digit = UInt8(truncatingIfNeeded: value >> UInt32(shift) & 0xF)
      return digit < 10 ? 0x30 + digit : 0x41 + digit - 10
    }
  }
}
