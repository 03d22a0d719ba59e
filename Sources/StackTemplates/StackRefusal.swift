/// The rules that templates and machines' sets of stacks are measured by. A rule holds or it does not.
public enum StackRuleName: String, Codable, Hashable, Sendable, CaseIterable {
  case architecture
  case bindMount = "bind-mount"
  case composeField = "compose-field"
  case databaseOnNFS = "database-on-nfs"
  case dependency
  case healthCheck = "health-check"
  case imagePinned = "image-pinned"
  case instanceUnique = "instance-unique"
  case kubernetes
  case mediaDownloadsOneFileSystem = "media-downloads-one-filesystem"
  case nameMatchesFolder = "name-matches-folder"
  case owner
  case parameter
  case portPublished = "port-published"
  case privilegeReason = "privilege-reason"
  case quiesce
  case restartPolicy = "restart-policy"
  case routeNameUnique = "route-name-unique"
  case routeService = "route-service"
  case schema
  case secretLiteral = "secret-literal"
  case secretUndeclared = "secret-undeclared"
  case secretUnused = "secret-unused"
  case volumeUndeclared = "volume-undeclared"
  case volumeUnused = "volume-unused"
}

/// Where and why a template or a machine's choice is refused, and what to do.
public struct StackRefusal: Error, Codable, Hashable, Sendable, CustomStringConvertible {
  public var file: String
  /// From 1; 0 where the file has no lines of its own, as a machine's settings.
  public var line: Int
  public var rule: StackRuleName
  /// What is wrong, and after a semicolon what to do.
  public var text: String

  public init(file: String, line: Int, rule: StackRuleName, text: String) {
    (self.file, self.line, self.rule, self.text) = (file, line, rule, text)
  }

  public var description: String { "\(file):\(line): \(rule.rawValue): \(text)" }
}

/// All that is wrong, at once.
public struct StackRefusals: Error, Sendable, CustomStringConvertible {
  public let all: [StackRefusal]

  /// In the order of files and lines, each once.
  public init(_ refusals: [StackRefusal]) {
    all = Set(refusals).sorted {
      ($0.file, $0.line, $0.rule.rawValue, $0.text) < ($1.file, $1.line, $1.rule.rawValue, $1.text)
    }
  }

  public var description: String { all.map(\.description).joined(separator: "\n") }
}
