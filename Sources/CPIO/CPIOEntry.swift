/// One file, directory, symbolic link or device of an archive.
public struct CPIOEntry: Hashable, Sendable {
  public enum Kind: Hashable, Sendable {
    case file([UInt8])
    case directory
    case symbolicLink(target: String)
    /// A character device node, as `/dev/console` (5, 1) that the kernel opens before `init` runs.
    case characterDevice(major: UInt32, minor: UInt32)
    case blockDevice(major: UInt32, minor: UInt32)
  }

  /// Relative, parts joined by `/`, none of them empty, `.` or `..`.
  public var path: String
  public var kind: Kind
  /// The lower twelve bits of the mode.
  public var permissions: UInt16
  public var owner: UInt32
  public var group: UInt32

  /// - Parameter permissions: 0644 for files, 0755 for directories, 0777 for links, 0600 for devices unless given.
  public init(path: String, kind: Kind, permissions: UInt16? = nil, owner: UInt32 = 0, group: UInt32 = 0) {
    self.path = path
    self.kind = kind
    self.permissions = permissions ?? kind.usualPermissions
    self.owner = owner
    self.group = group
  }
}

extension CPIOEntry.Kind {
  var usualPermissions: UInt16 {
    switch self {
    case .file: 0o644
    case .directory: 0o755
    case .symbolicLink: 0o777
    case .characterDevice, .blockDevice: 0o600
    }
  }

  /// The upper bits of the mode (`S_IFMT`).
  var typeBits: UInt32 {
    switch self {
    case .file: 0o100000
    case .directory: 0o040000
    case .symbolicLink: 0o120000
    case .characterDevice: 0o020000
    case .blockDevice: 0o060000
    }
  }
}
