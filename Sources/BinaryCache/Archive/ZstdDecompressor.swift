import CZstd

final class ZstdDecompressor: Decompressor {
  private let context: OpaquePointer
  private var output = [UInt8](repeating: 0, count: DecompressionLimits.pieceSize)
  /// At the end of a frame, or before the first.
  private var betweenFrames = true
  private var started = false

  init() throws(NARStreamError) {
    guard let context = ZSTD_createDCtx() else { throw .decompression("libzstd could not be started") }
    self.context = context
    _ = ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, DecompressionLimits.zstdWindowLog)
  }

  deinit { ZSTD_freeDCtx(context) }

  func decompress(_ input: ArraySlice<UInt8>, _ body: (ArraySlice<UInt8>) throws -> Void) throws {
    guard !input.isEmpty else { return }
    started = true
    try input.withUnsafeBytes { bytes in
      var source = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
      while true {
        let (status, count) = output.withUnsafeMutableBytes { buffer in
          var destination = ZSTD_outBuffer(dst: buffer.baseAddress, size: buffer.count, pos: 0)
          let status = ZSTD_decompressStream(context, &destination, &source)
          return (status, destination.pos)
        }
        guard ZSTD_isError(status) == 0 else {
          throw NARStreamError.decompression(
            "the zstd stream is damaged (\(String(cString: ZSTD_getErrorName(status))))")
        }
        betweenFrames = status == 0
        if count > 0 { try body(output[..<count]) }
        if source.pos == source.size && (betweenFrames || count < output.count) { return }
      }
    }
  }

  func finish(_ body: (ArraySlice<UInt8>) throws -> Void) throws {
    guard started, betweenFrames else { throw NARStreamError.decompression("the zstd stream ends too early") }
  }
}
