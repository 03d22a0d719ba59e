import Foundation
import GRDB

extension Fleet {
  /// What the node found where the rebuild did not look: folders that it had to make were gone, others were there.
  /// - Parameter output: what `stacks apply --json` printed; nil where it never did.
  func look(
    _ output: String?, _ restore: inout DataRestore, of machine: Machine, in database: Database, now: Date
  ) throws {
    let outcomes = AppliedStack.all(in: output) ?? []
    for index in restore.stacks.indices where restore.stacks[index].state == .unseen {
      var stack = restore.stacks[index]
      let outcome = outcomes.first { $0.stack == stack.stack }
      let made = Set(outcome?.made ?? [])
      let gone = stack.folders.filter(made.contains)
      if let outcome, outcome.made == nil || (gone.isEmpty && ["failed", "skipped"].contains(outcome.action)) {
        (stack.state, stack.reason) = (
          .unknown, displayable(outcome.problem ?? "the node's agent does not say", limit: 500)
        )
      } else if outcome == nil {
        (stack.state, stack.reason) = (.unknown, "the node has not brought it up")
      } else if gone.isEmpty {
        (stack.state, stack.reason) = (.survived, "its folders were there when the node started, and stay as they are")
      } else if gone.count < stack.folders.count {
        stack.inPart(lost: gone, kept: stack.folders.filter { !made.contains($0) })
      } else if stack.plan == nil {
        (stack.state, stack.reason) = (
          .notBackedUp, "its folders were gone, and no backup plan holds it: its data is lost"
        )
      } else {
        (stack.state, stack.reason) = (.waiting, nil)
      }
      if !stack.isMissing { try record(stack.text, of: machine, kind: "progress", in: database, now: now) }
      restore.stacks[index] = stack
    }
  }
}

/// One line of what `stacks apply --json` prints.
private struct AppliedStack: Decodable {
  var stack: String
  var action: String
  var problem: String?
  /// The folders of volumes that this system has made; nil from agents that do not say.
  var made: [String]?

  /// Nil where it can not be read.
  static func all(in text: String?) -> [AppliedStack]? {
    try? JSONDecoder().decode([AppliedStack].self, from: Data((text ?? "").utf8))
  }
}
