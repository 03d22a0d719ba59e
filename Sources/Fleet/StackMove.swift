import Foundation

/// A stack on its way from one machine to another, with its data.
public struct StackMove: Codable, Sendable, Equatable {
  public enum State: String, Codable, Sendable {
    /// The source is asked to stop it.
    case stopping
    /// The source copies its data to the repository.
    case copying
    /// Its data is where the target can get it; the declaration still has it at the source.
    case copied
    /// It is declared at the target, whose node does not run that system yet.
    case waiting
    /// The target brings its stacks up, which makes their volumes.
    case preparing
    /// The target is asked whether it sees the archive.
    case listing
    case restoring
    /// It runs at the target; the source's node does not run its new system yet.
    case restored
    case moved
    /// It could not be stopped or copied, and runs at the source as before.
    case failed
    /// The operator took it back.
    case aborted

    public var isFinal: Bool { [.moved, .failed, .aborted].contains(self) }
    /// Nothing was declared: the source only has to start it again.
    public var isBeforeDeclaration: Bool { [.stopping, .copying, .copied].contains(self) }
  }

  public var identifier: String
  public var stack: String
  /// Names of machines.
  public var source: String
  public var target: String
  public var state: State
  /// Folders at the source with the data that is copied. They stay.
  public var folders: [String]
  /// The repository that both reach, and the plans that hold the stack; nil where nothing has to be copied.
  public var repository: String?
  public var sourcePlan: String?
  public var targetPlan: String?
  /// Secrets that the target is given when the stack is declared there, by their names.
  public var secrets: [SecretCopy]
  public var archive: String?
  /// Of the data before compression, where the source told it.
  public var bytes: UInt64?
  /// What the nodes ran when the stack was declared at the target.
  public var sourceSystem: String?
  public var targetSystem: String?
  public var task: String?
  public var attempts = 0
  public var notBefore: Date?
  /// Why the last attempt failed, or why it ended.
  public var reason: String?
  /// It stands still until somebody did something.
  public var isHeld = false
  public var isVerified: Bool?
  public var notes: [String] = []
  public var startedAt: Date
  public var endedAt: Date?

  init(_ plan: StackMovePlan, startedAt: Date) {
    identifier = UUID().uuidString.lowercased()
    (stack, source, target, state) = (plan.stack, plan.source, plan.target, .stopping)
    (folders, secrets, self.startedAt) = (plan.folders, plan.secrets, startedAt)
    (repository, sourcePlan, targetPlan) = (plan.url, plan.sourcePlan, plan.targetPlan)
  }

  public var isOpen: Bool { !state.isFinal }
  var copiesData: Bool { sourcePlan != nil }

  private var command: String { "bootstead stack move \(stack) --from \(source) --to \(target) -f DIR" }

  /// What a person has to do now; nil where the nodes are at work, or all is done.
  public var next: String? {
    switch state {
    case .copied: command
    case .waiting where !isHeld: "bootstead build \(target) \(source), then bootstead apply \(target) \(source)"
    case .restored: "bootstead build \(source), then bootstead apply \(source)"
    case .moved:
      "what is left there goes when you say so: on \(source), 'bootstead-agent stacks remove \(stack) --keep-data', then "
        + "its folders"
    case _ where isHeld: "\(command), once that is mended; '--abort' takes the stack back to \(source)"
    case .stopping, .copying, .waiting, .preparing, .listing, .restoring, .failed, .aborted: nil
    }
  }

  /// In a sentence: how it stands, and what to do.
  public var standing: String {
    let kept = folders.isEmpty ? "" : "; \(source) keeps its data in \(folders.joined(separator: ", "))"
    let from = archive.map { " with the data of \($0)" } ?? ""
    var text = "\(stack) from \(source) to \(target): "
    switch state {
    case .stopping: text += "is being stopped"
    case .copying: text += "stands still while its data is copied to \(repository ?? "")"
    case .copied: text += "stands still" + (archive.map { ", its data is in \($0)" } ?? "") + "; it is to be declared"
    case .waiting: text += "waits for \(target) to run its new system" + from
    case .preparing: text += "\(target) brings its stacks up"
    case .listing: text += "\(target) looks for \(archive ?? "its archive") in \(repository ?? "")"
    case .restoring: text += "\(target) restores \(archive ?? "")"
    case .restored:
      text += "runs on \(target)\(from)"
      if copiesData { text += "; \(source) copies its old data on until it runs its new system" }
    case .moved:
      let verified = isVerified.map { $0 ? ", its verify hooks passed" : ", it has no verify hooks" } ?? ""
      text += (["runs on \(target)\(from)\(verified)"] + notes).joined(separator: "; ") + kept
    case .failed: text += "was not moved"
    case .aborted: text += "was taken back" + kept
    }
    if isHeld { text += ": STANDS STILL" + kept }
    if let reason { text += (isHeld || state.isFinal ? ": " : "; the last attempt: ") + reason }
    return text + (next.map { ". Next: \($0)" } ?? "")
  }
}

/// A secret of the source that the target is given too: everything but the secret.
public struct SecretCopy: Codable, Sendable, Equatable {
  public var from: String
  public var to: String

  public init(from: String, to: String) { (self.from, self.to) = (from, to) }
}
