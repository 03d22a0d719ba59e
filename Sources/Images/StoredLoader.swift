import Foundation

/// A boot loader that the appliance serves by TFTP and HTTP, known by its digest.
public struct StoredLoader: Codable, Sendable {
  /// The file name under which firmware asks for it.
  public let name: ImageName
  /// `bios`, `efiIA32`, `efiX64` or `efiARM64`.
  public let architecture: String
  public let blob: Blob
  /// The Debian package that it came from, or `operator`.
  public let origin: String
  public let features: [String]

  public init(name: ImageName, architecture: String, blob: Blob, origin: String, features: [String]) {
    self.name = name
    self.architecture = architecture
    self.blob = blob
    self.origin = origin
    self.features = features
  }
}
