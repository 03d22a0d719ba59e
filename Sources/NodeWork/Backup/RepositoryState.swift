import StackSet

/// What became of one repository that was to be made, or of its key.
public struct RepositoryState: Sendable, Hashable, Codable {
  public var plan: String
  public var stack: String
  /// nil where the configuration does not say where it is.
  public var url: String?
  /// Whether it was made now.
  public var isNew: Bool?
  /// The file that its key was written to.
  public var keyFile: String?
  public var problem: String?
}

extension BackupEngine {
  /// Makes the repositories that are not there yet. One that can not be made leaves the others alone.
  /// - Parameter names: of stacks; all where there are none.
  /// - Throws: before anything is made, where there is no such stack, or no plan makes archives of it.
  public func initialise(
    of names: [String], configuration: BackupConfiguration
  ) async throws(NodeWorkError) -> [RepositoryState] {
    let wanted = configuration.plans.sorted { $0.key < $1.key }.filter(\.value.hasArchives)
    for name in names where !wanted.contains(where: { $0.value.stacks(in: set).contains(name) }) {
      _ = try set.stack(name)
      throw Self.noArchives(of: name)
    }
    var states: [RepositoryState] = []
    for (name, plan) in wanted {
      for stack in plan.stacks(in: set) where names.isEmpty || names.contains(stack) {
        var state = RepositoryState(plan: name, stack: stack)
        do {
          let repository = try repository(of: stack, plan: plan, configuration: configuration)
          state.url = repository.url
          state.isNew = try await repository.initialise()
        } catch {
          state.problem = "\(error)"
        }
        states.append(state)
      }
    }
    return states
  }

  /// Writes the key of each of Borg's repositories into a folder. One that can not be read leaves the others alone. Restic's
  /// keys are in the repository alone, closed by the passphrase.
  public func exportKeys(to folder: String, configuration: BackupConfiguration) async -> [RepositoryState] {
    var states: [RepositoryState] = []
    for (name, plan) in configuration.plans.sorted(by: { $0.key < $1.key }) {
      guard case .borg = plan.design else { continue }
      for stack in plan.stacks {
        var state = RepositoryState(plan: name, stack: stack)
        do {
          let found = try repository(of: stack, plan: plan, configuration: configuration)
          guard let repository = found as? BorgRepository else { continue }
          state.url = repository.url
          let path = "\(folder)/\(name).\(stack).key"
          try await repository.exportKey(to: path)
          state.keyFile = path
        } catch {
          state.problem = "\(error)"
        }
        states.append(state)
      }
    }
    return states
  }
}
