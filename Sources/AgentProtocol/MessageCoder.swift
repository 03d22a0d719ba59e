import FoundationEssentials

/// Messages as JSON with sorted keys.
public enum MessageCoder {
  /// The most bytes that a message may have: 4 MiB.
  public static let limit = 4 << 20

  /// A message that can not be written or read.
  public enum Failure: Error, CustomStringConvertible {
    case tooLarge(bytes: Int)
    case malformed(type: String, reason: String)
    case unwritable(type: String)

    public var description: String {
      switch self {
      case .tooLarge(let bytes): "the message has \(bytes) bytes; \(limit) are allowed"
      case .malformed(let type, let reason): "the message is not a \(type): \(reason)"
      case .unwritable(let type): "the \(type) can not be written as JSON"
      }
    }
  }

  public static func encode(_ message: some Encodable) throws(Failure) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(message) else { throw .unwritable(type: "\(type(of: message))") }
    guard data.count <= limit else { throw .tooLarge(bytes: data.count) }
    return Array(data)
  }

  public static func decode<Message: Decodable>(_ type: Message.Type, from bytes: [UInt8]) throws(Failure) -> Message {
    guard bytes.count <= limit else { throw .tooLarge(bytes: bytes.count) }
    do {
      return try JSONDecoder().decode(type, from: Data(bytes))
    } catch let error as DecodingError {
      throw .malformed(type: "\(type)", reason: explain(error))
    } catch {
      throw .malformed(type: "\(type)", reason: "\(error)")
    }
  }

  private static func explain(_ error: DecodingError) -> String {
    func place(_ path: [any CodingKey]) -> String {
      path.isEmpty ? "the message" : "'" + path.map(\.stringValue).joined(separator: ".") + "'"
    }
    return switch error {
    case .keyNotFound(let key, let context): "\(place(context.codingPath)) has no '\(key.stringValue)'"
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      "\(place(context.codingPath)): \(context.debugDescription.prefix(200))"
    @unknown default: "it can not be read"
    }
  }
}
