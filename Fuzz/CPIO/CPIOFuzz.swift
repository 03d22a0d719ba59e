import CPIO

/// An archive that is read is read the same after it was written again.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
  let input = UnsafeBufferPointer(start: data, count: size)
  guard let entries = try? CPIOArchive.entries(in: input) else { return 0 }
  let writable = entries.filter { $0.path != "." }
  let written = try? CPIOArchive.bytes(of: writable)
  precondition(written != nil && (written?.count ?? 1) % 512 == 0)
  precondition(written.flatMap { try? CPIOArchive.entries(in: $0) } == writable)
  return 0
}
