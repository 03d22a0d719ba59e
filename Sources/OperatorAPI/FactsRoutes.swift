import Fleet
import Hummingbird

extension OperatorRoutes {
  /// Facts of a machine's hardware, their history, and what the operator says to them.
  func factsRoutes(_ group: RouterGroup<BasicRequestContext>) {
    group.get(":name/facts") { _, context in try await answer(fleet.facts(of: context.name)) }
    group.post(":name/facts/accept") { request, context in
      try await answer(fleet.acceptFacts(of: context.name, body(AcceptFacts.self, of: request)))
    }
    group.post(":name/facts/examine") { request, context in
      try await answer(fleet.examine(context.name, body(ExamineMachine.self, of: request)))
    }
  }
}
