import AgentProtocol
import Foundation
import GRDB

/// A task for a running node, and how it ended.
public struct MachineTask: Codable, Sendable, Equatable, FetchableRecord, MutablePersistableRecord {
  public static let databaseTableName = "nodeTask"

  public enum State: String, Codable, Sendable {
    /// The node has not been told.
    case queued
    /// It was told, and has not said that it heard.
    case delivered
    /// The node has it.
    case running
    case succeeded
    case failed
    /// Agent, machine or install ended while the node had it: how far it came is not known. It is not begun again.
    case interrupted
    /// It was taken back before the node was told.
    case cancelled
    /// The operator gave it up after the node was told, which went silent: the node may have done it, or do it yet. What it
    /// tells of it later is recorded.
    case abandoned

    public var isFinal: Bool { [.succeeded, .failed, .interrupted, .cancelled, .abandoned].contains(self) }
  }

  public var id: Int64?
  public var machine: Int64
  public var identifier: TaskIdentifier
  /// The install whose node is asked; a machine that is installed anew is another.
  public var install: String
  public var task: NodeTask
  public var wantsJSON: Bool
  public var state: State
  /// When the operator consented, where that is needed.
  public var consentedAt: Date?
  public var queuedAt: Date
  public var deliveredAt: Date?
  /// When the node told first that it has it.
  public var startedAt: Date?
  public var endedAt: Date?
  public var exitCode: Int?
  /// The end of what it wrote to standard output and standard error.
  public var output: String?
  public var messages: String?
  public var isCut: Bool
  /// Why it did not run to its end.
  public var reason: String?

  init(_ task: NodeTask, wantsJSON: Bool, of machine: Machine, consentedAt: Date?, now: Date) {
    self.machine = machine.id ?? 0
    identifier = TaskIdentifier()
    install = machine.install
    self.task = task
    self.wantsJSON = wantsJSON
    state = .queued
    self.consentedAt = consentedAt
    queuedAt = now
    isCut = false
  }

  public mutating func didInsert(_ inserted: InsertionSuccess) { id = inserted.rowID }

  /// How it stands, in a few words.
  public var standing: String {
    switch state {
    case .failed where reason == nil: exitCode.map { "failed with \($0)" } ?? state.rawValue
    case .queued, .delivered, .running, .succeeded, .failed, .interrupted, .cancelled, .abandoned: state.rawValue
    }
  }
}

/// `POST /v1/machines/NAME/tasks`
public struct QueueTask: Codable, Sendable {
  public var task: NodeTask
  /// The output as JSON, where the task has that.
  public var wantsJSON: Bool = false
  /// The operator consented to what can not be taken back.
  public var consents: Bool = false

  public init(_ task: NodeTask) { self.task = task }
}

/// A task with what a wait for it needs.
public struct TaskDetail: Codable, Sendable {
  public var task: MachineTask
  /// The task as the command line has it.
  public var text: String
  /// The machine's name.
  public var machine: String
  /// When its node reported last.
  public var reportedAt: Date?
  /// Tasks of the machine that have to end before this one.
  public var ahead: Int
}
