import NixFormats

/// libFuzzer's entry: any bytes are read as a narinfo, a key, a hash and a store path; what could be read is written and
/// read again.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzNarInfo(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  let text = String(decoding: bytes, as: UTF8.self)
  if let key = try? NixPublicKey(text) {
    precondition((try? NixPublicKey(key.description)) == key, "a key changed")
  }
  if let hash = try? NixHash(text) {
    precondition((try? NixHash(hash.subresourceIntegrity)) == hash, "a hash changed")
  }
  if let path = try? StorePath(absolute: text) {
    precondition(path.description == text, "a store path changed")
    precondition(!path.baseName.contains("/") && path.baseName.utf8.count <= 244, "a store path is no file name")
  }
  if let info = try? NarInfo(bytes) {
    precondition((try? NarInfo(text: info.serialized)) == info, "a narinfo changed")
    precondition(!info.url.hasPrefix("/") && !info.url.split(separator: "/").contains(".."), "a URL leads out")
    precondition(info.fingerprint.hasPrefix("1;/nix/store/"), "a fingerprint of nothing")
  }
  return 0
}
