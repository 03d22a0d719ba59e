import AgentProtocol
import NodeFiles

/// Which tasks the node knows. Written before each step, so that each task is begun at most once, whatever ends the
/// agent or the machine in between.
package struct TaskJournal: Hashable, Sendable, Codable {
  /// On the node.
  package static let path = "/var/lib/bootstead/tasks.json"
  /// Identifiers of ended tasks that are kept, so that an appliance that forgot their end does not have them again.
  package static let doneLimit = 2000

  package struct Entry: Hashable, Sendable, Codable {
    package var order: NodeTaskOrder
    package var report: NodeTaskReport
  }

  /// In their order; those that ended stay until the appliance has answered the report that told it.
  package var entries: [Entry] = []
  /// Tasks whose end was told, the newest last.
  package var done: [TaskIdentifier] = []

  /// - Returns: nil where there is one that can not be read.
  package static func load(root: String) -> TaskJournal? {
    let file = FileSystemEntry(root + path)
    guard file.exists else { return TaskJournal() }
    return file.bytes(limit: MessageCoder.limit).flatMap { try? MessageCoder.decode(TaskJournal.self, from: $0) }
  }

  func save(root: String) throws { try WholeFile.write(MessageCoder.encode(self), to: root + Self.path) }
}
