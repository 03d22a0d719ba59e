/// Bytes from the network in a form that is safe on a terminal and in a log line.
public enum PrintableText {
  /// Printable ASCII stays, `\` is doubled, everything else becomes `\xNN`.
  public static func escape(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "\\"): text += [byte, byte]
      case 0x20...0x7E: text.append(byte)
      default: text += [UInt8(ascii: "\\"), UInt8(ascii: "x"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
      }
    }
    return String(decoding: text, as: UTF8.self)
  }
}
