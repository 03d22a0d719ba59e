/// What texts of one kind look like.
public protocol NameRule: Sendable {
  /// For people, with its article: `a stack's name`.
  static var what: String { get }
  /// For people: which characters, and how many.
  static var form: String { get }
  static func allows(_ text: String) -> Bool
}

/// A name that may stand among a program's arguments: never empty, never an option, never a path.
public struct CheckedName<Rule: NameRule>: Hashable, Sendable, Codable, CustomStringConvertible {
  public let text: String

  /// - Throws: ``NodeTaskError`` where the rule does not allow the text.
  public init(_ text: String) throws(NodeTaskError) {
    guard Rule.allows(text) else { throw NodeTaskError.name(text, what: Rule.what, form: Rule.form) }
    self.text = text
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    do {
      self = try CheckedName(container.decode(String.self))
    } catch let error as NodeTaskError {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: error.description)
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(text)
  }

  public var description: String { text }
}

/// As the stack's compiler and the node take it.
public enum StackNameRule: NameRule {
  public static let what = "a stack's name"
  public static let form = "1 to 63 of a-z, 0-9 and hyphens, and no hyphen first"
  public static func allows(_ text: String) -> Bool { isName(text, 1...63) { isLower($0) || $0 == hyphen } }
}

/// A service of a Compose file.
public enum ContainerNameRule: NameRule {
  public static let what = "a container's name"
  public static let form = "1 to 63 letters, digits, dots, underscores and hyphens, beginning with a letter or digit"
  public static func allows(_ text: String) -> Bool { isName(text, 1...63, isCommon) }
}

public enum SnapshotNameRule: NameRule {
  public static let what = "a snapshot's name"
  public static let form = "1 to 40 letters, digits, hyphens and underscores, beginning with a letter or digit"
  public static func allows(_ text: String) -> Bool {
    isName(text, 1...40) { isLetter($0) || $0 == hyphen || $0 == UInt8(ascii: "_") }
  }
}

public enum BackupPlanRule: NameRule {
  public static let what = "a backup plan's name"
  public static let form = "1 to 63 letters, digits, dots, underscores and hyphens, beginning with a letter or digit"
  public static func allows(_ text: String) -> Bool { isName(text, 1...63, isCommon) }
}

public enum ArchiveNameRule: NameRule {
  public static let what = "an archive's name"
  public static let form =
    "'latest', or 1 to 200 letters, digits and . _ - + : @, beginning with a letter or digit"
  public static func allows(_ text: String) -> Bool {
    isName(text, 1...200) { isCommon($0) || [UInt8(ascii: "+"), UInt8(ascii: ":"), UInt8(ascii: "@")].contains($0) }
  }
}

/// A node of a k3s cluster, which is called as its machine.
public enum ClusterNodeRule: NameRule {
  public static let what = "a cluster node's name"
  public static let form = "1 to 63 of a-z, 0-9 and hyphens, and no hyphen first"
  public static func allows(_ text: String) -> Bool { StackNameRule.allows(text) }
}

/// Where a cluster's API is reached.
public enum ClusterAddressRule: NameRule {
  public static let what = "the address of a cluster's API"
  public static let form = "https://ADDRESS:PORT"
  public static func allows(_ text: String) -> Bool {
    guard text.hasPrefix("https://"), text.utf8.count <= 200 else { return false }
    let rest = text.dropFirst("https://".count)
    return !rest.isEmpty && rest.utf8.first != hyphen
      && rest.utf8.allSatisfy {
        isCommon($0) || [UInt8(ascii: ":"), UInt8(ascii: "["), UInt8(ascii: "]")].contains($0)
      }
  }
}

/// A time in UTC, as container engines print it.
public enum LogTimeRule: NameRule {
  public static let what = "a time of a log"
  public static let form = "2026-01-31T23:59:59Z, or with a fraction of up to 9 digits"
  public static func allows(_ text: String) -> Bool {
    let bytes = Array(text.utf8)
    guard (20...30).contains(bytes.count), bytes.last == UInt8(ascii: "Z") else { return false }
    let digit = UInt8(ascii: "0")...UInt8(ascii: "9")
    for (index, form) in "0000-00-00T00:00:00".utf8.enumerated() {
      guard form == UInt8(ascii: "0") ? digit.contains(bytes[index]) : bytes[index] == form else { return false }
    }
    let fraction = bytes.dropFirst(19).dropLast()
    return fraction.isEmpty
      || (fraction.first == UInt8(ascii: ".") && fraction.count > 1 && fraction.dropFirst().allSatisfy(digit.contains))
  }
}

/// What tells one task from every other.
public enum TaskIdentifierRule: NameRule {
  public static let what = "a task's identifier"
  public static let form = "8 to 64 of a-z, 0-9 and hyphens, and no hyphen first"
  public static func allows(_ text: String) -> Bool { isName(text, 8...64) { isLower($0) || $0 == hyphen } }
}

public typealias StackName = CheckedName<StackNameRule>
public typealias ContainerName = CheckedName<ContainerNameRule>
public typealias SnapshotName = CheckedName<SnapshotNameRule>
public typealias BackupPlanName = CheckedName<BackupPlanRule>
public typealias ArchiveName = CheckedName<ArchiveNameRule>
public typealias ClusterNodeName = CheckedName<ClusterNodeRule>
public typealias ClusterAddress = CheckedName<ClusterAddressRule>
public typealias LogTime = CheckedName<LogTimeRule>
public typealias TaskIdentifier = CheckedName<TaskIdentifierRule>

extension CheckedName where Rule == TaskIdentifierRule {
  /// A new one: 64 random bits.
  public init() { text = hexadecimal(randomBytes(8)) }
}

extension CheckedName where Rule == ArchiveNameRule {
  /// The newest one.
  public static var latest: Self { Self(newest: "latest") }

  private init(newest: String) { text = newest }
}

private let hyphen = UInt8(ascii: "-")

private func isName(_ text: String, _ length: ClosedRange<Int>, _ allows: (UInt8) -> Bool) -> Bool {
  guard length.contains(text.utf8.count), let first = text.utf8.first, isLetter(first) else { return false }
  return text.utf8.allSatisfy(allows)
}

private func isLower(_ byte: UInt8) -> Bool {
  (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
}

/// A letter or digit of ASCII.
private func isLetter(_ byte: UInt8) -> Bool {
  isLower(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
}

private func isCommon(_ byte: UInt8) -> Bool {
  isLetter(byte) || [hyphen, UInt8(ascii: "."), UInt8(ascii: "_")].contains(byte)
}
