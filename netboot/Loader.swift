/// A network boot loader that is known by its file name. What a file really is, its digest says; that is taken where
/// the file is loaded.
public struct Loader: Hashable, Sendable {
  public let fileName: String
  public let architecture: LoaderArchitecture
  /// In one sentence, for the operator.
  public let purpose: String
  public let features: Set<LoaderFeature>
  /// The Debian package that has it; nil where only an own build gives it.
  public let debianPackage: String?
  /// Where that package puts it, the usual place first.
  public let paths: [String]

  /// False for own builds, of which nothing is known until they run.
  public var isFromDebian: Bool { debianPackage != nil }
}

/// The kind of firmware that can start a loader.
public enum LoaderArchitecture: String, Hashable, Sendable, CaseIterable, Codable {
  case bios
  case efiIA32
  case efiX64
  case efiARM64
}

/// What a loader can do that decides where it is used.
public enum LoaderFeature: String, Hashable, Sendable, CaseIterable, Codable {
  case http
  case https
  /// Uses the network driver of the firmware: works with every port that the firmware can boot from.
  case firmwareDriver = "firmware-driver"
  /// Has own network drivers.
  case ownDrivers = "own-drivers"
  /// Asks for `autoexec.ipxe` by itself.
  case autoexec
  /// Has `vcreate`.
  case vlan
}
