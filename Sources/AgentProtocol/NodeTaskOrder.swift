/// A task for a running node; the same in every answer until the node has told of it.
public struct NodeTaskOrder: Hashable, Sendable {
  public var identifier: TaskIdentifier
  /// Nil where it is none that this program knows: the node refuses it, and its other orders hold all the same.
  public var task: NodeTask?
  /// The output is wanted as JSON, where the task has that.
  public var wantsJSON: Bool

  public init(identifier: TaskIdentifier, task: NodeTask, wantsJSON: Bool) {
    self.identifier = identifier
    self.task = task
    self.wantsJSON = wantsJSON
  }
}

extension NodeTaskOrder: Codable {
  private enum Key: String, CodingKey { case identifier, task, wantsJSON }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    identifier = try container.decode(TaskIdentifier.self, forKey: .identifier)
    // A later appliance may know more tasks.
    task = try? container.decode(NodeTask.self, forKey: .task)
    wantsJSON = try container.decodeIfPresent(Bool.self, forKey: .wantsJSON) ?? false
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(identifier, forKey: .identifier)
    try container.encodeIfPresent(task, forKey: .task)
    if wantsJSON { try container.encode(true, forKey: .wantsJSON) }
  }
}

/// How far a node is with a ``NodeTaskOrder``; in every report, until the appliance has answered one that told the end.
public struct NodeTaskReport: Hashable, Sendable, Codable {
  public enum State: String, Hashable, Sendable, Codable {
    /// It is on the node's list; others come before it.
    case accepted
    case running
    /// It ended with 0.
    case succeeded
    /// It ended otherwise, or could not be begun.
    case failed
    /// The agent or the machine ended while it ran. It is not begun again.
    case interrupted

    public var isFinal: Bool { [.succeeded, .failed, .interrupted].contains(self) }
  }

  /// Bytes of UTF-8 that are kept of ``output``, from its end.
  public static let outputLimit = 128 << 10
  /// Bytes of UTF-8 that are kept of ``messages``, from its end.
  public static let messageLimit = 32 << 10

  public var identifier: TaskIdentifier
  public var state: State
  /// Of the program that carried it out.
  public var exitCode: Int?
  /// The end of its standard output.
  public var output: String?
  /// The end of its standard error.
  public var messages: String?
  /// There was more than was kept.
  public var isCut: Bool?
  /// Why it did not run to its end.
  public var reason: String?

  public init(identifier: TaskIdentifier, state: State) {
    self.identifier = identifier
    self.state = state
  }

  /// The end of a text: at most `limit` bytes of UTF-8, whole characters.
  public static func tail(_ text: String, limit: Int) -> String {
    guard text.utf8.count > limit else { return text }
    var start = text.utf8.index(text.utf8.endIndex, offsetBy: -limit)
    while start < text.utf8.endIndex, text.utf8[start] & 0b1100_0000 == 0b1000_0000 {
      start = text.utf8.index(after: start)
    }
    return String(text[start...])
  }
}
