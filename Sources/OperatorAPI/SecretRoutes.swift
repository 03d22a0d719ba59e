import Fleet
import Foundation
import Hummingbird
import NIOCore

extension OperatorRoutes {
  /// Secrets go in and never come out.
  func secretRoutes(_ group: RouterGroup<BasicRequestContext>) {
    group.get(":name/secrets") { _, context in try await answer(fleet.secrets(of: context.name)) }
    group.put(":name/secrets/:secret") { request, context in
      let value = try await request.body.collect(upTo: 1 << 20)
      try await fleet.setSecret(
        Data(value.readableBytesView), named: context.parameters.require("secret"), of: context.name,
        firstUse: request.uri.queryParameters.get("first-use") == "true")
      return Response(status: .noContent)
    }
    group.delete(":name/secrets/:secret") { _, context in
      try await fleet.removeSecret(named: context.parameters.require("secret"), of: context.name)
      return Response(status: .noContent)
    }
  }
}
