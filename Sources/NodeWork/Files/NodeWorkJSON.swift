import FoundationEssentials

/// What commands print with `--json`.
public enum NodeWorkJSON {
  public static func text(_ value: some Encodable) throws(NodeWorkError) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
    encoder.dateEncodingStrategy = .iso8601
    guard let data = try? encoder.encode(value) else {
      throw NodeWorkError(.file, "a \(type(of: value)) can not be written as JSON")
    }
    return String(decoding: data, as: UTF8.self)
  }

  /// In UTC, to the second.
  public static func text(_ date: Date) -> String { date.formatted(.iso8601) }
}
