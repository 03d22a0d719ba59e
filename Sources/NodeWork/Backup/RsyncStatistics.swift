/// What rsync printed with `--stats`.
struct RsyncStatistics: Sendable, Hashable {
  var files: Int?
  /// nil where the other side's rsync is older than 3.1, and does not tell.
  var deleted: Int?
  var bytes: UInt64?
  var transferredBytes: UInt64?

  init(_ text: String) {
    for line in text.split(whereSeparator: \.isNewline) {
      guard let colon = line.firstIndex(of: ":") else { continue }
      // `1,234 (reg: 1,000, dir: 234)` or `1,234 bytes`
      let value = line[line.index(after: colon)...].drop { $0 == " " }.prefix { $0.isNumber || $0 == "," }
      let number = UInt64(value.filter { $0 != "," })
      switch line[..<colon] {
      case "Number of files": files = number.flatMap { Int(exactly: $0) }
      case "Number of deleted files": deleted = number.flatMap { Int(exactly: $0) }
      case "Total file size": bytes = number
      case "Total transferred file size": transferredBytes = number
      default: break
      }
    }
  }
}
