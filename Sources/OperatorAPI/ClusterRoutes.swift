import Fleet
import Hummingbird

extension OperatorRoutes {
  /// What a cluster's machines have in common.
  func clusterRoutes(_ group: RouterGroup<BasicRequestContext>) {
    group.post("secret") { request, _ in
      try await answer(fleet.shareSecret(body(SharedSecret.self, of: request)))
    }
  }
}
