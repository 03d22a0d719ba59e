import Foundation

/// A kernel and an initrd that boot a machine into the agent.
public struct BootImage: Codable, Sendable {
  public let name: ImageName
  public let kernel: Blob
  public let initrd: Blob
  public let addedAt: Date

  /// Stores both files.
  /// - Throws: ``ImageError/notAnImage(path:reason:)`` when the kernel is no x86 or arm64 Linux kernel.
  public init(name: ImageName, kernelPath: String, initrdPath: String, in store: BlobStore, now: Date)
    throws(ImageError)
  {
    guard let handle = FileHandle(forReadingAtPath: kernelPath), let head = try? handle.read(upToCount: 0x210) else {
      throw .unreadable(kernelPath)
    }
    let bytes = [UInt8](head)
    // Linux boot protocol: "HdrS" at 0x202 on x86, "ARM\x64" at 56 on arm64.
    let isX86 = bytes.count >= 0x206 && Array(bytes[0x202..<0x206]) == Array("HdrS".utf8)
    let isARM64 = bytes.count >= 60 && Array(bytes[56..<60]) == [0x41, 0x52, 0x4d, 0x64]
    guard isX86 || isARM64 else { throw .notAnImage(path: kernelPath, reason: "this is no Linux kernel") }
    self.name = name
    kernel = try store.add(fileAt: kernelPath)
    initrd = try store.add(fileAt: initrdPath)
    addedAt = now
  }
}

/// A name that is safe in a URL path and in a script.
public struct ImageName: Codable, Sendable, Hashable, CustomStringConvertible {
  public let text: String

  public init(_ text: String) throws(ImageError) {
    let allowed = text.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): true
      default: false
      }
    }
    guard allowed, (1...63).contains(text.utf8.count), !text.hasPrefix(".") else { throw .invalidName(text) }
    self.text = text
  }

  public init(from decoder: any Decoder) throws {
    self = try ImageName(decoder.singleValueContainer().decode(String.self))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }

  public var description: String { text }
}
