/// An archive that can not be read, or an entry that can not be written.
public enum CPIOError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The archive ends inside of a header, a name or a file. Offsets are in bytes from its start.
  case truncated(offset: Int)
  case notNewc(offset: Int)
  case badNumber(offset: Int)
  case nameTooLong(offset: Int, length: Int, limit: Int)
  case badName(offset: Int, reason: NameFault)
  case fileTooLarge(offset: Int, size: Int, limit: Int)
  case tooManyEntries(limit: Int)
  case archiveTooLarge(limit: Int)
  case unsupportedKind(offset: Int, mode: UInt32)
  /// A directory or a device that carries bytes, or a link without a target.
  case badSize(offset: Int, size: Int)
  case badPadding(offset: Int)
  case duplicateName(path: String)
  /// An entry below a symbolic link of the same archive would be written wherever that points.
  case throughLink(path: String)
  case noTrailer
  /// An entry given to the writer.
  case invalidPath(String, reason: NameFault)
  case fileDoesNotFit(path: String, size: Int)
  case invalidPermissions(path: String, UInt16)

  /// What is wrong with a name.
  public enum NameFault: String, Sendable {
    case empty, absolute, parentFolder, controlCharacter, notUTF8, unterminated, reserved, emptyPart, tooLong
  }

  public var description: String {
    switch self {
    case .truncated(let offset): "the archive ends early, in the entry at byte \(offset)"
    case .notNewc(let offset): "no 'newc' header (070701) at byte \(offset); write the archive with 'cpio -H newc'"
    case .badNumber(let offset): "the header at byte \(offset) has a field that is no hexadecimal number"
    case .nameTooLong(let offset, let length, let limit):
      "the name of the entry at byte \(offset) has \(length) bytes, at most \(limit) are read"
    case .badName(let offset, let reason): "the name of the entry at byte \(offset) is refused: \(reason.text)"
    case .fileTooLarge(let offset, let size, let limit):
      "the entry at byte \(offset) has \(size) bytes, at most \(limit) are read"
    case .tooManyEntries(let limit): "the archive has more than \(limit) entries"
    case .archiveTooLarge(let limit): "the files of the archive have more than \(limit) bytes together"
    case .unsupportedKind(let offset, let mode):
      "the entry at byte \(offset) has mode \(String(mode, radix: 8)): no file, directory, symbolic link or device"
    case .badSize(let offset, let size): "the entry at byte \(offset) can not have a size of \(size) bytes"
    case .badPadding(let offset): "bytes other than zero where the archive pads, at byte \(offset)"
    case .duplicateName(let path): "'\(path)' is in the archive twice"
    case .throughLink(let path): "'\(path.prefix(100))' is below a symbolic link of the same archive"
    case .noTrailer: "the archive has no end mark (TRAILER!!!)"
    case .invalidPath(let path, let reason): "'\(path.prefix(100))' can not be written to an archive: \(reason.text)"
    case .fileDoesNotFit(let path, let size): "'\(path.prefix(100))' has \(size) bytes; a newc file has less than 4 GiB"
    case .invalidPermissions(let path, let value):
      "'\(path.prefix(100))' has permissions \(String(value, radix: 8)); at most 7777 (octal) can be written"
    }
  }
}

extension CPIOError.NameFault {
  var text: String {
    switch self {
    case .empty: "it is empty"
    case .absolute: "it begins with '/'"
    case .parentFolder: "it has a '..' part"
    case .controlCharacter: "it has a control character"
    case .notUTF8: "it is not UTF-8"
    case .unterminated: "it does not end with one zero byte"
    case .reserved: "it is the archive's own end mark"
    case .emptyPart: "it has an empty or '.' part"
    case .tooLong: "it is longer than \(CPIOPath.maximumLength) bytes"
    }
  }
}
