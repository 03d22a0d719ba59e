import Fleet
import Hummingbird
import NodeFlake

extension OperatorRoutes {
  /// Stacks that move from one machine to another.
  func stackMoveRoutes(_ group: RouterGroup<BasicRequestContext>) {
    group.get { _, _ in try await answer(fleet.moves()) }
    group.post { request, _ in
      try await answer(requireNodes().beginMove(body(StackMoveRequest.self, of: request)), status: .created)
    }
    group.post("plan") { request, _ in
      try await answer(requireNodes().planMove(body(StackMoveRequest.self, of: request)))
    }
    group.get(":name") { _, context in try await answer(fleet.move(context.name)) }
    group.post(":name/declared") { _, context in try await answer(fleet.noteDeclared(context.name)) }
    group.post(":name/continue") { _, context in try await answer(fleet.continueMove(context.name)) }
    group.post(":name/abort") { _, context in try await answer(fleet.abortMove(context.name)) }
  }
}
