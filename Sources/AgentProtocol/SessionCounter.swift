/// The appliance's memory of a session's last message: every next one has a higher number.
public struct SessionCounter: Hashable, Sendable, Codable {
  /// The number of the last accepted message; 0 before the first.
  public private(set) var last: UInt64

  public init(last: UInt64 = 0) { self.last = last }

  /// Call it after the signature was verified, never before.
  /// - Throws: ``SignatureError/replayed(counter:last:)`` when the number is not higher than every earlier one.
  public mutating func accept(_ counter: UInt64) throws(SignatureError) {
    guard counter > last else { throw .replayed(counter: counter, last: last) }
    last = counter
  }
}
