import FoundationEssentials

/// JSON of which there is one form for each value: sorted keys, no spaces, no escaped slashes.
public enum CanonicalJSON {
  public static func encode(_ value: some Encodable) throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return [UInt8](try encoder.encode(value))
  }
}

extension StackSet {
  /// Compiled sets are at most this large, bytes.
  public static let byteLimit = 16 << 20

  public func encoded() throws -> [UInt8] { try CanonicalJSON.encode(self) }

  /// - Throws: ``StackSetError`` where the bytes are no set of this version.
  public init(_ bytes: some Collection<UInt8>) throws(StackSetError) {
    guard bytes.count <= StackSet.byteLimit else { throw .tooLarge(bytes.count) }
    let data = Data(bytes)
    let version: StackSetVersion
    do { version = try JSONDecoder().decode(StackSetVersion.self, from: data) } catch { throw .malformed("\(error)") }
    guard version.schema == StackSet.schema else { throw .version(version.schema) }
    do { self = try JSONDecoder().decode(StackSet.self, from: data) } catch { throw .malformed("\(error)") }
  }
}

private struct StackSetVersion: Decodable { var schema: Int }

/// Why bytes are no compiled set.
public enum StackSetError: Error, Hashable, Sendable, CustomStringConvertible {
  case tooLarge(Int)
  case version(Int)
  case malformed(String)

  public var description: String {
    switch self {
    case .tooLarge(let bytes):
      "the stack set has \(bytes) bytes, and at most \(StackSet.byteLimit) are taken; compile it again"
    case .version(let version):
      "the stack set has the form \(version), and this agent knows \(StackSet.schema); bring both to one version"
    case .malformed(let reason):
      "this is no stack set: \(reason); compile it with 'bootstead stack compile'"
    }
  }
}
