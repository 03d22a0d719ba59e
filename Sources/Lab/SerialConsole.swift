import Foundation

/// What a machine prints on its serial port, read from the file that QEMU writes.
public struct SerialConsole: Sendable {
  public let path: String

  public init(path: String) { self.path = path }

  /// Everything printed so far, without terminal control sequences.
  public var text: String {
    guard let data = FileManager.default.contents(atPath: path) else { return "" }
    return SerialConsole.plain(data)
  }

  /// The end of what was printed.
  public func tail(lines: Int = 40) -> String {
    text.split(separator: "\n").suffix(lines).joined(separator: "\n")
  }

  static func tail(of path: String, lines: Int = 40) -> String { SerialConsole(path: path).tail(lines: lines) }

  private enum State { case text, escape, sequence }

  /// Removes control sequences (ECMA-48: `ESC [` parameters, intermediates, one final byte; other escapes of two bytes)
  /// and control characters but the line feed: firmware moves the cursor instead of printing spaces, and a word may be
  /// coloured in the middle.
  public static func plain(_ bytes: some Sequence<UInt8>) -> String {
    var state = State.text
    var plain: [UInt8] = []
    for byte in bytes {
      switch (state, byte) {
      case (.text, 0x1B): state = .escape
      case (.text, 0x0A), (.text, 0x20...0x7E), (.text, 0x80...): plain.append(byte)
      case (.text, _): continue
      case (.escape, 0x5B): state = .sequence
      case (.escape, _): state = .text
      case (.sequence, 0x40...0x7E): state = .text
      case (.sequence, _): continue
      }
    }
    return String(decoding: plain, as: UTF8.self)
  }
}
