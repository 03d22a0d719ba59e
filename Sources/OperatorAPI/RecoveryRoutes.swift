import Fleet
import Hummingbird
import NodeFlake

extension OperatorRoutes {
  /// Rebuilds, wipes, and what the appliance kept of a machine for them.
  func recoveryRoutes(_ group: RouterGroup<BasicRequestContext>) {
    group.post(":name/rebuild/preview") { request, context in
      try await answer(fleet.previewRebuild(context.name, rebuildRequest(request, of: context.name)))
    }
    group.post(":name/rebuild") { request, context in
      try await answer(fleet.rebuild(context.name, rebuildRequest(request, of: context.name)))
    }
    group.post(":name/wipe") { request, context in
      try await answer(fleet.wipe(context.name, body(WipeRequest.self, of: request)))
    }
    group.post(":name/forget") { _, context in
      try await fleet.forget(context.name)
      return Response(status: .noContent)
    }
    group.get(":name/saved") { _, context in try await answer(fleet.savedStates(of: context.name)) }
    group.get(":name/log") { _, context in try await answer(fleet.log(of: context.name)) }
  }

  /// With where the machine's stacks keep their data, for a restore.
  private func rebuildRequest(_ request: Request, of name: String) async throws -> RebuildRequest {
    var wanted = try await body(RebuildRequest.self, of: request)
    wanted.stackData = wanted.restore == nil ? [] : try await requireNodes().stackData(of: name)
    return wanted
  }
}
