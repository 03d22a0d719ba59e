import StackSet

/// Whom each secret's file belongs to, over all stacks that read it.
struct SecretOwners {
  struct Conflict {
    var reference: String
    /// `STACK (SECRET)`
    var first: String
    var second: String
    /// The second one's.
    var stack: String
  }

  private(set) var conflicts: [Conflict] = []
  /// Whoever is no root.
  private var owners: [String: (owner: StackOwner, reader: String)] = [:]

  /// - Parameter settings: the machine's.
  init(_ stacks: [CompiledStack], _ settings: StackSettings) {
    for stack in stacks {
      // What goes by the environment is read by root.
      for secret in stack.secrets where secret.delivery == .file && !Self.readsAll(secret.owner, settings) {
        let reader = "\(stack.name) (\(secret.name))"
        guard let other = owners[secret.reference] else {
          owners[secret.reference] = (secret.owner, reader)
          continue
        }
        if other.owner.user != secret.owner.user {
          conflicts.append(
            Conflict(reference: secret.reference, first: other.reader, second: reader, stack: stack.name))
        }
      }
    }
    // Root whose users are mapped reads what belongs to one of these, and not what belongs to others.
    guard case .remapped(let base) = settings.identity else { return }
    for stack in stacks {
      for secret in stack.secrets where secret.delivery == .file && secret.owner.user == base {
        guard let other = owners[secret.reference], other.owner.user < base else { continue }
        conflicts.append(
          Conflict(
            reference: secret.reference, first: other.reader, second: "\(stack.name) (\(secret.name))",
            stack: stack.name)
        )
      }
    }
  }

  /// Root of a container reads the files of all its users.
  private static func readsAll(_ owner: StackOwner, _ settings: StackSettings) -> Bool {
    if case .remapped(let base) = settings.identity, owner.user == base { return true }
    return owner.user == 0
  }

  /// The stack, each of whose secrets belongs to the one user who needs to own it.
  func agreed(_ stack: CompiledStack) -> CompiledStack {
    var stack = stack
    for index in stack.secrets.indices {
      if let found = owners[stack.secrets[index].reference] { stack.secrets[index].owner = found.owner }
    }
    return stack
  }
}
