import NixFormats

/// libFuzzer's entry: any bytes are read as an archive, in pieces whose size the first byte gives; what could be read is
/// written again.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzNAR(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  guard let first = bytes.first else { return 0 }
  let archive = bytes.dropFirst()
  let inPieces = read(archive, pieces: Int(first) + 1)
  let atOnce = read(archive, pieces: max(archive.count, 1))
  precondition((inPieces == nil) == (atOnce == nil), "the size of the pieces decides whether it is an archive")
  guard let inPieces else { return 0 }
  precondition(inPieces == Array(archive), "an archive changed when it was written again")
  return 0
}

/// The archive as it is written from what was read; nil where it is none.
private func read(_ archive: ArraySlice<UInt8>, pieces: Int) -> [UInt8]? {
  var reader = NARReader(limits: NARLimits(depth: 16, fileSize: 1 << 20))
  var writer = NARWriter()
  var written: [UInt8] = []
  var rest = archive
  while !rest.isEmpty {
    guard let events = try? reader.read(rest.prefix(pieces)) else { return nil }
    for event in events {
      let isWritten = (try? writer.append(event, to: &written)) != nil
      precondition(isWritten, "what the reader gave can not be written")
    }
    rest = rest.dropFirst(pieces)
  }
  guard (try? reader.finish()) != nil else { return nil }
  precondition(writer.isFinished, "the reader ended, the writer did not")
  return written
}
