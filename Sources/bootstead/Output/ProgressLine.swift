import Foundation

/// A progress bar that is drawn over itself on a terminal, and a plain line for each tenth elsewhere.
final class ProgressLine {
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private var lastTitle = ""
  private var lastTenth = -1

  /// - Parameter fraction: 0 to 1.
  func show(_ title: String, fraction: Double, _ detail: String) {
    let fraction = min(max(fraction, 0), 1)
    if isTerminal {
      let filled = Int(fraction * 30)
      let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 30 - filled)
      write("\r\u{1B}[K\(title) \(bar) \(Int(fraction * 100)) % \(detail)")
      lastTitle = title
    } else if title != lastTitle || Int(fraction * 10) != lastTenth {
      (lastTitle, lastTenth) = (title, Int(fraction * 10))
      write("\(title): \(Int(fraction * 100)) % \(detail)\n")
    }
  }

  /// Leaves the bar, so that plain lines can follow.
  func end() {
    if isTerminal && !lastTitle.isEmpty { write("\r\u{1B}[K") }
    lastTitle = ""
  }

  private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
