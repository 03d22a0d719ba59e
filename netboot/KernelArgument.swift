/// One argument of the kernel's command line, as `console=ttyS0,115200`. Never a secret: every process on the machine
/// can read it, and so can everybody on the boot network.
public struct KernelArgument: Hashable, Sendable, CustomStringConvertible {
  public static let maximumLength = 255
  /// x86 kernels read 2,047 bytes (`COMMAND_LINE_SIZE`); some are left for what the script adds itself.
  public static let maximumTotalLength = 1800

  public let text: String

  /// - Throws: ``IPXEValueError`` for an empty argument, one longer than 255 bytes, one that begins with `-` (the
  ///   kernel hands everything after `--` to init), and any character but ASCII letters, digits and
  ///   `. _ - / = , : + @ %`: spaces and quotes would make it two arguments, and the rest means something to iPXE
  ///   or to GRUB.
  public init(_ text: String) throws(IPXEValueError) {
    guard !text.isEmpty else { throw .empty(what: "the kernel argument") }
    guard text.utf8.count <= KernelArgument.maximumLength else {
      throw .tooLong(what: "the kernel argument", length: text.utf8.count, limit: KernelArgument.maximumLength)
    }
    if let fault = text.utf8.enumerated().first(where: { !KernelArgument.isSafe($0.element) }) {
      throw .forbiddenCharacter(what: "the kernel argument", position: fault.offset)
    }
    guard text.utf8.first?.isASCIILetterOrDigit == true else {
      throw .forbiddenCharacter(what: "the kernel argument", position: 0)
    }
    self.text = text
  }

  public var description: String { text }

  private static let marks = Set("._-/=,:+@%".utf8)

  private static func isSafe(_ byte: UInt8) -> Bool { byte.isASCIILetterOrDigit || marks.contains(byte) }
}
