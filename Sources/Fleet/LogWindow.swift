import Foundation

/// Tells new lines of a log from those that were there before. Each has its time, as `docker compose logs --timestamps`
/// prints it.
public struct LogWindow: Sendable {
  /// Seconds by which a line may come late.
  private static let lateness: TimeInterval = 5

  public struct Line: Hashable, Sendable {
    /// Empty where it has none.
    public var time: String
    /// Without its time.
    public var text: String
  }

  /// The time of the newest line; nil as long as there was none.
  public private(set) var newest: String?
  private var seen: Set<Line> = []

  public init() {}

  /// From when on to ask again: a little before the newest line, in whole seconds.
  public var since: String? {
    guard let newest, let date = try? Date(newest.prefix(19) + "Z", strategy: .iso8601) else { return nil }
    return date.addingTimeInterval(-Self.lateness).formatted(.iso8601)
  }

  /// - Parameter output: all lines from ``since`` on.
  /// - Returns: what was not there before, by time.
  public mutating func take(_ output: String) -> [Line] {
    let lines = output.split(whereSeparator: \.isNewline).map { Self.line(String($0)) }
    let new = lines.filter { seen.insert($0).inserted }.sorted { $0.time < $1.time }
    if let last = lines.map(\.time).max(), last > newest ?? "" { newest = last }
    // Older ones are not asked for again.
    if let since { seen = seen.filter { $0.time.isEmpty || $0.time.prefix(19) >= since.prefix(19) } }
    return new
  }

  /// `container  | 2026-01-31T23:59:59.123456789Z text`
  private static func line(_ text: String) -> Line {
    let form = /(^|\| )([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z) ?/
    guard let match = text.firstMatch(of: form) else { return Line(time: "", text: text) }
    return Line(
      time: String(match.2),
      text: text[..<match.range.lowerBound] + String(match.1) + text[match.range.upperBound...])
  }
}
