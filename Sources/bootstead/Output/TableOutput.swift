import Foundation
import OperatorAPI

/// Columns under their titles, as wide as their widest cell.
struct TableOutput {
  let titles: [String]
  var rows: [[String]] = []

  init(_ titles: String...) { self.titles = titles }

  var text: String {
    let all = [titles] + rows
    let widths = titles.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
    return all.map { row in
      zip(row, widths).map { cell, width in cell.padding(toLength: max(width, cell.count), withPad: " ", startingAt: 0)
      }
      .joined(separator: "  ").trimmingSuffix { $0 == " " }
    }.joined(separator: "\n")
  }
}

extension String {
  fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> String {
    var text = self
    while let last = text.last, predicate(last) { text.removeLast() }
    return text
  }
}

/// Prints a value as JSON, or as the text that `text` makes of it.
func show(_ value: some Encodable, json: Bool, _ text: () -> String) throws {
  if json {
    print(String(decoding: try OperatorJSON.encode(value), as: UTF8.self))
  } else {
    print(terminalText(text()))
  }
}

/// Text for a terminal: what machines say of themselves must not steer it.
func terminalText(_ text: String) -> String {
  var result = String.UnicodeScalarView()
  for scalar in text.unicodeScalars {
    switch scalar.properties.generalCategory {
    case .control where scalar != "\n" && scalar != "\t", .format, .lineSeparator, .paragraphSeparator:
      result.append("\u{FFFD}")
    default: result.append(scalar)
    }
  }
  return String(result)
}

func byteText(_ bytes: UInt64) -> String {
  let units = ["B", "KiB", "MiB", "GiB", "TiB"]
  var value = Double(bytes)
  var unit = 0
  while value >= 1024, unit < units.count - 1 {
    value /= 1024
    unit += 1
  }
  return unit == 0 ? "\(bytes) B" : String(format: "%.1f %@", value, units[unit])
}

/// How long ago, in the largest unit.
func ageText(_ date: Date?, now: Date = Date()) -> String {
  guard let date else { return "never" }
  let seconds = max(0, Int(now.timeIntervalSince(date)))
  return switch seconds {
  case ..<60: "\(seconds) s ago"
  case ..<3600: "\(seconds / 60) min ago"
  case ..<172_800: "\(seconds / 3600) h ago"
  default: "\(seconds / 86_400) d ago"
  }
}
