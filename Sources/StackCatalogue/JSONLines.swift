import Foundation

/// On which line of a JSON text each field is.
struct JSONLines {
  /// From 1, by the field's path, as `settings.stacks.identity`. Fields of objects in a list share one path.
  private(set) var lines: [String: Int] = [:]

  /// - Parameter data: JSON that was read before; of anything else some lines are missing.
  init(_ data: Data) {
    struct Frame {
      var isObject: Bool
      var isBeforeKey: Bool
      var path: String
    }
    var frames: [Frame] = []
    var key = ""
    var line = 1
    var bytes = data.makeIterator()
    func open(isObject: Bool) {
      let path = [frames.last?.path ?? "", key].filter { !$0.isEmpty }.joined(separator: ".")
      frames.append(Frame(isObject: isObject, isBeforeKey: isObject, path: path))
      key = ""
    }
    while let byte = bytes.next() {
      switch byte {
      case UInt8(ascii: "\n"): line += 1
      case UInt8(ascii: "{"): open(isObject: true)
      case UInt8(ascii: "["): open(isObject: false)
      case UInt8(ascii: "}"), UInt8(ascii: "]"): _ = frames.popLast()
      case UInt8(ascii: ","):
        if let last = frames.indices.last { frames[last].isBeforeKey = frames[last].isObject }
        key = ""
      case UInt8(ascii: "\""):
        var text: [UInt8] = []
        while let next = bytes.next(), next != UInt8(ascii: "\"") {
          text.append(next)
          if next == UInt8(ascii: "\\"), let escaped = bytes.next() { text.append(escaped) }
        }
        guard let last = frames.indices.last, frames[last].isBeforeKey else { continue }
        frames[last].isBeforeKey = false
        key = String(decoding: text, as: UTF8.self)
        let path = [frames[last].path, key].filter { !$0.isEmpty }.joined(separator: ".")
        if lines[path] == nil { lines[path] = line }
      default: break
      }
    }
  }
}
