import CLZMA

final class XZDecompressor: Decompressor {
  private var stream = lzma_stream()
  private var output = [UInt8](repeating: 0, count: DecompressionLimits.pieceSize)
  private var ended = false

  init() throws(NARStreamError) {
    // LZMA_CONCATENATED: parallel compressors write several streams after one another, and Nix reads them all.
    let concatenated: UInt32 = 0x08
    guard lzma_stream_decoder(&stream, DecompressionLimits.xzMemory, concatenated) == LZMA_OK else {
      throw .decompression("liblzma could not be started")
    }
  }

  deinit { lzma_end(&stream) }

  func decompress(_ input: ArraySlice<UInt8>, _ body: (ArraySlice<UInt8>) throws -> Void) throws {
    try input.withUnsafeBufferPointer { buffer in
      stream.next_in = buffer.baseAddress
      stream.avail_in = buffer.count
      try run(LZMA_RUN, body)
    }
  }

  func finish(_ body: (ArraySlice<UInt8>) throws -> Void) throws {
    stream.next_in = nil
    stream.avail_in = 0
    try run(LZMA_FINISH, body)
    guard ended else { throw NARStreamError.decompression("the xz stream ends too early") }
  }

  private func run(_ action: lzma_action, _ body: (ArraySlice<UInt8>) throws -> Void) throws {
    while true {
      let status = output.withUnsafeMutableBufferPointer { buffer in
        stream.next_out = buffer.baseAddress
        stream.avail_out = buffer.count
        return lzma_code(&stream, action)
      }
      let count = output.count - stream.avail_out
      switch status {
      case LZMA_OK: break
      case LZMA_STREAM_END: ended = true
      // Nothing could be done: all input is used, or at the end some is missing.
      case LZMA_BUF_ERROR: return
      case LZMA_MEMLIMIT_ERROR:
        throw NARStreamError.decompression("the xz stream needs more than \(DecompressionLimits.xzMemory >> 20) MiB")
      default: throw NARStreamError.decompression("the xz stream is damaged (liblzma error \(status.rawValue))")
      }
      if count > 0 { try body(output[..<count]) }
      if ended || (action == LZMA_RUN && stream.avail_in == 0 && count < output.count) { return }
    }
  }
}
