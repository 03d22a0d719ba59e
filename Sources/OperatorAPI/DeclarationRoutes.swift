import Fleet
import Foundation
import HTTPTypes
import Hummingbird
import NodeFlake

/// `POST /v1/declaration`
public struct ApplyDeclaration: Codable, Sendable {
  public var files: DeclaredFiles
  /// Of the plan that the operator saw.
  public var plan: String

  public init(files: DeclaredFiles, plan: String) { (self.files, self.plan) = (files, plan) }
}

extension OperatorRoutes {
  func declarationRoutes(_ group: RouterGroup<BasicRequestContext>) {
    group.get { _, _ in
      guard let declaration = try await fleet.declaration() else {
        throw FleetError.notFound(kind: "declaration yet: bootstead apply -f DIR", name: "")
      }
      return try answer(declaration)
    }
    group.post("plan") { request, _ in
      let rules = try requireNodes().templates().declarationRules()
      return try await answer(fleet.planDeclaration(body(DeclaredFiles.self, of: request), rules: rules))
    }
    group.post { request, _ in
      let rules = try requireNodes().templates().declarationRules()
      let order = try await body(ApplyDeclaration.self, of: request)
      return try await answer(fleet.applyDeclaration(order.files, rules: rules, consented: order.plan))
    }
  }
}
