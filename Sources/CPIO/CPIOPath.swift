/// The rules for names: what stays inside of the folder that an archive is unpacked in.
enum CPIOPath {
  /// As long as a path that Linux takes (`PATH_MAX` with its zero byte).
  static let maximumLength = 4095
  static let trailer = "TRAILER!!!"

  static func fault(in name: String) -> CPIOError.NameFault? {
    guard !name.isEmpty else { return .empty }
    guard name.utf8.count <= maximumLength else { return .tooLong }
    guard !name.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }) else {
      return .controlCharacter
    }
    guard name != trailer else { return .reserved }
    guard name.utf8.first != UInt8(ascii: "/") else { return .absolute }
    let parts = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    guard !parts.contains(where: { $0.elementsEqual("..".utf8) }) else { return .parentFolder }
    guard !parts.contains(where: { $0.isEmpty || $0.elementsEqual(".".utf8) }) else { return .emptyPart }
    return nil
  }
}
