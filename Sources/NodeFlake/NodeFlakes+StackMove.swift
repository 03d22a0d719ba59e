import Fleet
import StackSet

extension NodeFlakes {
  /// What a move would do.
  /// - Throws: ``FleetError`` with what stands against it, and where there are no templates.
  public nonisolated func planMove(_ request: StackMoveRequest) async throws -> StackMovePlan {
    let (here, there, declared) = try await sides(of: request)
    return try await fleet.planMove(request, here: here, there: there, declared: declared)
  }

  /// Begins one that was consented to.
  public nonisolated func beginMove(_ request: StackMoveRequest) async throws -> StackMove {
    let (here, there, declared) = try await sides(of: request)
    return try await fleet.beginMove(request, here: here, there: there, declared: declared)
  }

  private nonisolated func sides(of request: StackMoveRequest) async throws -> (
    here: StackMoveSide, there: StackMoveSide, declared: StackChoices
  ) {
    let templates = try templates()
    let now = try await fleet.declaredStacks(of: request.source)
    let then = try await fleet.declaredStacks(
      of: request.target, in: request.files, rules: templates.declarationRules())
    return (
      try side(request.stack, try templates.stackSet(now), of: request.source),
      try side(request.stack, try templates.stackSet(then), of: request.target), then.choices
    )
  }

  private nonisolated func side(_ name: String, _ set: StackSet?, of machine: String) throws -> StackMoveSide {
    guard let stack = set?.stacks.first(where: { $0.name == name }) else {
      let known = (set?.stacks ?? []).map(\.name).joined(separator: ", ")
      throw FleetError.conflict("\(machine) has no stack '\(name)'; it has \(known.isEmpty ? "none" : known)")
    }
    return StackMoveSide(
      volumes: stack.volumes.map {
        .init(name: $0.name, path: $0.path, isBackedUp: $0.isBackedUp, placement: $0.class.rawValue)
      },
      names: stack.routes.flatMap(\.names).sorted(),
      secrets: Dictionary(
        stack.secrets.map { ($0.name, String($0.reference.dropFirst("secret:".count))) },
        uniquingKeysWith: { first, _ in first }))
  }
}
