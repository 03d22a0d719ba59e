import Crypto
import Foundation

/// `POST /v1/moves/plan` and `POST /v1/moves`
public struct StackMoveRequest: Codable, Sendable {
  public var stack: String
  public var source: String
  public var target: String
  /// The declaration that has the stack at the target.
  public var files: DeclaredFiles
  /// Of the plan that the operator saw.
  public var digest: String?

  public init(stack: String, source: String, target: String, files: DeclaredFiles) {
    (self.stack, self.source, self.target, self.files) = (stack, source, target, files)
  }
}

/// What a move will do.
public struct StackMovePlan: Codable, Sendable, Equatable {
  public var stack: String
  public var source: String
  public var target: String
  /// At the source: with data that is copied.
  public var folders: [String] = []
  /// On NFS that both machines mount: nothing is copied.
  public var sharedFolders: [String] = []
  /// At the source: with data that no backup holds, and that does not come along.
  public var leftFolders: [String] = []
  public var repository: String?
  public var url: String?
  public var sourcePlan: String?
  public var targetPlan: String?
  public var secrets: [SecretCopy] = []
  public var oldNames: [String]
  public var newNames: [String]
  /// Of everything above.
  public var digest = ""

  init(stack: String, source: String, target: String, oldNames: [String], newNames: [String]) {
    (self.stack, self.source, self.target) = (stack, source, target)
    (self.oldNames, self.newNames) = (oldNames, newNames)
  }

  mutating func seal() throws {
    digest = ""
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    digest = SHA256.hash(data: try encoder.encode(self)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  public var text: String {
    var lines = ["\(stack) moves from \(source) to \(target):"]
    func add(_ title: String, _ text: String) {
      lines.append("  " + title.padding(toLength: 12, withPad: " ", startingAt: 0) + text)
    }
    add("stops", "\(stack) on \(source), until it runs on \(target)")
    for folder in folders { add("copies", folder) }
    if let repository, let url, let sourcePlan, let targetPlan {
      add(
        "by", "the repository \(repository), \(url): plan \(sourcePlan) of \(source), plan \(targetPlan) of \(target)")
      add(
        "how much", "is told once it is copied; before: bootstead stack ps \(source) \(stack), storage show \(source)")
    }
    for folder in sharedFolders { add("shares", "\(folder), on NFS that both mount: nothing is copied") }
    for folder in leftFolders { add("LEAVES", "\(folder), which no backup holds: copy it by hand where you want it") }
    for secret in secrets { add("secret", "\(target) gets '\(secret.to)', as \(source) has it") }
    for name in newNames { add("name", "\(name) leads to \(target)" + (oldNames.contains(name) ? "" : ", new")) }
    for name in oldNames where !newNames.contains(name) { add("name", "\(name) leads nowhere any more") }
    add("then", "\(target) and \(source) need their new systems: bootstead build, bootstead apply")
    if !folders.isEmpty { add("restores", "on \(target), with its verify hooks, once it runs its new system") }
    add("stays", "the data on \(source), until you remove it")
    return lines.joined(separator: "\n")
  }
}
