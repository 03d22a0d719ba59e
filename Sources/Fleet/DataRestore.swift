import DiskLayout
import Foundation

/// Where one stack keeps what a backup holds of it, as it was compiled.
public struct StackData: Codable, Sendable, Equatable {
  public var stack: String
  /// The folders of its volumes that are backed up.
  public var folders: [String]
  /// The placement classes of those.
  public var classes: [String]?
  /// The placement class of each of those folders.
  public var placements: [String: String]?

  public init(
    stack: String, folders: [String], classes: [String]? = nil, placements: [String: String]? = nil
  ) {
    (self.stack, self.folders, self.classes, self.placements) = (stack, folders, classes, placements)
  }
}

/// The restore that an operator consented to with a rebuild, until the next one.
public struct DataRestore: Codable, Sendable, Equatable {
  /// The rebuild's install.
  public var install: String
  public var wishedAt: Date
  /// When the rebuild's install was done. Archives from after that hold what the new system began with.
  public var installedAt: Date?
  /// When the stacks had been brought up, so that there are volumes to restore to.
  public var preparedAt: Date?
  /// The task that brings them up.
  public var task: String?
  public var attempts = 0
  public var notBefore: Date?
  public var stacks: [StackRestore]
  public var endedAt: Date?

  init(install: String, wishedAt: Date, stacks: [StackRestore]) {
    (self.install, self.wishedAt, self.stacks) = (install, wishedAt, stacks)
  }

  public var isOpen: Bool { endedAt == nil }

  /// Stacks whose data is gone, or partly gone, and was not brought back.
  public var missing: [StackRestore] { stacks.filter(\.isMissing) }

  /// What to type for stacks that did not come back, after a semicolon. The archive is named: the latest one may be of the
  /// empty stack by then.
  func advice(machine: String, of stacks: [StackRestore]) -> String {
    let commands = stacks.filter { $0.plan != nil }.map { stack in
      let command = "bootstead backup restore \(machine) \(stack.stack) --archive "
      if let archive = stack.archive { return command + archive }
      let before = installedAt.map { " from before \($0.formatted(.iso8601))" } ?? ""
      return command + "NAME, with one\(before) of bootstead backup archives \(machine) \(stack.stack)"
    }
    return commands.isEmpty ? "" : "; to try again: " + commands.joined(separator: "; ")
  }

  /// For who asks why something is not as it should be; nil where all came back.
  public var concern: String? { isOpen || !missing.isEmpty ? standing : nil }

  /// In a sentence: how it stands.
  public var standing: String {
    guard !isOpen else {
      let done = stacks.filter { $0.state == .restored }.count
      let all = stacks.filter { $0.state == .restored || $0.state == .failed || $0.state.isOpen }.count
      return installedAt == nil
        ? "data is restored once the machine is installed" : "data is being restored: \(done) of \(all) stacks are done"
    }
    guard !missing.isEmpty else {
      let restored = stacks.filter { $0.state == .restored }.map(\.stack)
      return restored.isEmpty
        ? "no data had to be restored" : "the data of \(restored.joined(separator: ", ")) was restored"
    }
    return "data was NOT restored: \(missing.map(\.stack).joined(separator: ", "))"
  }
}

/// What becomes of one stack's data with a rebuild.
public struct StackRestore: Codable, Sendable, Equatable {
  public enum State: String, Codable, Sendable {
    /// Its data is lost with the rebuild, and comes back from the repository.
    case planned
    /// Its turn comes.
    case waiting
    /// The node is asked which archives there are.
    case listing
    case restoring
    case restored
    case failed
    /// Its data is where it was: nothing is restored over it.
    case survived
    /// Some of its data is where it was and some is not: that is for the operator to decide.
    case survivedInPart
    /// Its data is lost, and no backup of it is known.
    case notBackedUp
    /// On disks that the rebuild does not touch, and nobody has looked at yet.
    case unseen
    /// As ``unseen``, and the node could not say whether it is there.
    case unknown
    /// It keeps nothing that a backup would hold.
    case nothing

    var isOpen: Bool { [.planned, .unseen, .waiting, .listing, .restoring].contains(self) }
  }

  public var stack: String
  /// The folders of its volumes that are backed up.
  public var folders: [String]
  /// The placement classes of those.
  public var classes: [String]?
  /// The placement class of each of those folders.
  public var placements: [String: String]?
  /// The backup plan and the repository that its data comes from.
  public var plan: String?
  public var repository: String?
  public var state: State
  /// Why it is not restored, or the problem of the last attempt.
  public var reason: String?
  /// The archive, once it is chosen, and when that was made.
  public var archive: String?
  public var archiveAt: Date?
  /// Whether the stack's verify hooks ran, and passed.
  public var isVerified: Bool?
  public var notes: [String] = []
  public var task: String?
  public var attempts = 0
  public var notBefore: Date?
  public var endedAt: Date?

  init(_ data: StackData, state: State, reason: String? = nil) {
    (stack, folders, classes, placements) = (data.stack, data.folders, data.classes, data.placements)
    (self.state, self.reason) = (state, reason)
  }

  /// Its data is gone, at least in part, and stays so until somebody does something.
  public var isMissing: Bool { [.failed, .survivedInPart, .notBackedUp, .unknown].contains(state) }

  /// A part of its data is gone, which is for the operator to decide.
  mutating func inPart(lost: [String], kept: [String]) {
    state = .survivedInPart
    reason =
      "\(lost.joined(separator: ", ")) is lost, and \(kept.joined(separator: ", ")) stays; decide by hand, what is there "
      + "is kept beside: bootstead backup restore, with --archive"
  }

  /// Before the rebuild: what will be.
  var plannedText: (title: String, text: String) {
    switch state {
    case .notBackedUp, .survivedInPart, .failed: ("NOT restored", "\(stack): \(reason ?? "")")
    case .survived, .nothing: ("no restore", "\(stack): \(reason ?? "")")
    case .unseen, .unknown: ("not known", "\(stack): \(reason ?? "")")
    case .planned, .waiting, .listing, .restoring, .restored:
      (
        "restored",
        "\(stack): the latest archive of the repository \(repository ?? ""), plan \(plan ?? ""), then its verify hooks"
      )
    }
  }

  /// Once it is under way: what it is, and from when.
  public var text: String {
    let from = archive.map { archive in
      "\(archive)" + (archiveAt.map { ", made \($0.formatted(.iso8601))" } ?? "")
    }
    switch state {
    case .planned: return "\(stack): once the machine is installed"
    case .waiting: return "\(stack): waits" + (reason.map { ", as \($0)" } ?? "")
    case .listing: return "\(stack): looking for its latest archive"
    case .restoring: return "\(stack): being restored from \(from ?? "")"
    case .restored:
      let verified = isVerified.map { $0 ? "its verify hooks passed" : "it has no verify hooks" }
      return (["\(stack): is as in \(from ?? "")", verified] + notes).compactMap(\.self).joined(separator: "; ")
    case .failed, .survivedInPart, .notBackedUp:
      return "\(stack): NOT RESTORED" + (from.map { " from \($0)" } ?? "") + ": \(reason ?? "")"
    case .unseen: return "\(stack): not known yet, as \(reason ?? "")"
    case .unknown: return "\(stack): NOT RESTORED, and not known whether its data is there: \(reason ?? "")"
    case .survived, .nothing: return "\(stack): \(reason ?? "")"
    }
  }
}
