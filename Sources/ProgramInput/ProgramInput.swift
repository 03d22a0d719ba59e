import Glibc
public import SystemPackage

/// A text for a program's standard input, as a file that has no name any more.
///
/// swift-subprocess 1.0.2 stops this program ("FileDescriptor was not closed") where a child that is given a text through
/// a pipe ends before the text is written. A file needs no writer.
public enum ProgramInput {
  /// - Parameter folder: where the file is for a moment, readable by its owner alone.
  /// - Returns: the file, at its start; whoever starts the program closes it.
  /// - Throws: `Errno` where the file can not be made or written.
  public static func file(_ bytes: [UInt8], in folder: String = temporaryFolder) throws -> FileDescriptor {
    var number = SystemRandomNumberGenerator()
    let path = "\(folder)/.bootstead-input-\(String(number.next(), radix: 36))"
    let file = try FileDescriptor.open(
      FilePath(path), .readWrite, options: [.create, .exclusiveCreate, .closeOnExec], permissions: .ownerReadWrite)
    do {
      guard unlink(path) == 0 else { throw Errno(rawValue: errno) }
      try file.writeAll(bytes)
      try file.seek(offset: 0, from: .start)
      return file
    } catch {
      try? file.close()
      throw error
    }
  }

  /// `TMPDIR`, or `/tmp`.
  public static var temporaryFolder: String {
    guard let value = getenv("TMPDIR") else { return "/tmp" }
    let folder = String(cString: value)
    return folder.isEmpty ? "/tmp" : folder
  }
}
