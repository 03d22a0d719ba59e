/// Option 60: what kind of client this is.
public struct VendorClass: Hashable, Sendable, CustomStringConvertible {
  public let bytes: [UInt8]

  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  public static let pxeClient = VendorClass(Array("PXEClient".utf8))
  public static let httpClient = VendorClass(Array("HTTPClient".utf8))

  /// Only the start counts: an iPXE that was chained sends nothing more than `PXEClient` (ipxe issue 1527).
  public var isPXE: Bool { bytes.starts(with: Self.pxeClient.bytes) }
  public var isHTTP: Bool { bytes.starts(with: Self.httpClient.bytes) }

  /// The architecture in `…:Arch:00007:…`.
  public var architecture: ClientArchitecture? {
    let marker = Array("Arch:".utf8)
    guard bytes.count >= marker.count + 5 else { return nil }
    for start in 0...(bytes.count - marker.count - 5) where bytes[start...].starts(with: marker) {
      var value = 0
      for byte in bytes[start + marker.count..<start + marker.count + 5] {
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
        value = value * 10 + Int(byte - UInt8(ascii: "0"))
      }
      return UInt16(exactly: value).map { ClientArchitecture(rawValue: $0) }
    }
    return nil
  }

  /// Printable ASCII as it is, all else escaped; at most 64 bytes of the value.
  public var description: String { PrintableText.escape(bytes.prefix(64)) }
}
