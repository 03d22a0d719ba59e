import NixFormats

/// Unpacks a stream piece by piece, in bounded memory.
protocol Decompressor: AnyObject {
  /// Gives what the bytes unpack to, in pieces of at most ``DecompressionLimits/pieceSize`` bytes.
  func decompress(_ input: ArraySlice<UInt8>, _ body: (ArraySlice<UInt8>) throws -> Void) throws
  /// - Throws: where the stream is not complete.
  func finish(_ body: (ArraySlice<UInt8>) throws -> Void) throws
}

enum DecompressionLimits {
  /// In bytes.
  static let pieceSize = 128 * 1024
  /// In bytes: `xz -9` needs 65 MiB.
  static let xzMemory: UInt64 = 80 << 20
  /// As a power of two: 128 MiB, what `zstd` itself takes without `--long`.
  static let zstdWindowLog: Int32 = 27
}

/// For archives that are not packed.
final class NoDecompressor: Decompressor {
  func decompress(_ input: ArraySlice<UInt8>, _ body: (ArraySlice<UInt8>) throws -> Void) throws {
    if !input.isEmpty { try body(input) }
  }

  func finish(_ body: (ArraySlice<UInt8>) throws -> Void) throws {}
}

extension NarInfo.Compression {
  /// - Throws: where Bootstead can not unpack it.
  func makeDecompressor() throws(NARStreamError) -> any Decompressor {
    switch self {
    case .none: NoDecompressor()
    case .xz: try XZDecompressor()
    case .zstd: try ZstdDecompressor()
    case .other(let name): throw .unsupportedCompression(name)
    }
  }

  /// Whether Bootstead can unpack it.
  public var isSupported: Bool {
    switch self {
    case .none, .xz, .zstd: true
    case .other: false
    }
  }
}
