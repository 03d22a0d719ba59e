import Synchronization

/// The agent's log: plain lines, shown on the consoles, kept for reports. No secret is ever given to it.
public final class AgentLog: Sendable {
  /// Lines kept for a report of failure.
  public static let limit = 200

  private struct State {
    var recent: [String] = []
    var unreported: [String] = []
    var title: String?
  }

  private let state = Mutex(State())
  private let show: @Sendable (String) -> Void

  /// - Parameter show: gets each line, without a line feed.
  public init(show: @escaping @Sendable (String) -> Void) { self.show = show }

  /// Adds a line. Control characters are left out, so that no text from the network can move a cursor.
  public func say(_ text: String) {
    for part in text.split(whereSeparator: \.isNewline) {
      let line = String(
        part.unicodeScalars.filter { $0.properties.generalCategory != .control }.prefix(500).map(Character.init))
      let title = state.withLock { state in
        AgentLog.append(line, to: &state.recent)
        AgentLog.append(line, to: &state.unreported)
        return state.title
      }
      show(title.map { "[\($0)] \(line)" } ?? line)
    }
  }

  /// Stands before every line that is shown from now on: whoever comes to the screen sees which machine this is.
  func setTitle(_ title: String) { state.withLock { $0.title = title } }

  private static func append(_ line: String, to lines: inout [String]) {
    lines.append(line)
    if lines.count > limit { lines.removeFirst(lines.count - limit) }
  }

  /// The last lines.
  public var recent: [String] { state.withLock { $0.recent } }

  /// The lines that no report has carried yet; they count as carried.
  func takeUnreported() -> [String] {
    state.withLock { state in
      defer { state.unreported = [] }
      return state.unreported
    }
  }

  /// The report with these lines got lost.
  func giveBack(_ lines: [String]) {
    state.withLock { state in state.unreported = Array((lines + state.unreported).suffix(AgentLog.limit)) }
  }
}
