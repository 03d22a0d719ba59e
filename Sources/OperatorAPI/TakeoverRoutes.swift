import Fleet
import Foundation
import Hummingbird
import NodeFlake

/// What take-overs are offered with.
public struct TakeoverOffers: Sendable {
  /// Where machines reach the appliance, the usual one first.
  public var urls: [String]
  public var prepare: @Sendable (PrepareTakeover) async throws -> TakeoverOffer
  /// SHA-256 of the script at one of the URLs, as a shell's `$(…)` gives it.
  public var scriptDigest: @Sendable (String) -> String

  public init(
    urls: [String], prepare: @escaping @Sendable (PrepareTakeover) async throws -> TakeoverOffer,
    scriptDigest: @escaping @Sendable (String) -> String
  ) {
    (self.urls, self.prepare, self.scriptDigest) = (urls, prepare, scriptDigest)
  }
}

/// `POST /v1/takeovers`
public struct TakeoverAnswer: Codable, Sendable {
  public var offer: TakeoverOffer
  /// Where the machine may reach the appliance.
  public var urls: [String]
  /// The SHA-256 of the script at each.
  public var scriptDigests: [String]
}

extension OperatorRoutes {
  func takeoverRoutes(_ group: RouterGroup<BasicRequestContext>) {
    group.post("preview") { request, _ in
      let wanted = try await body(PrepareTakeover.self, of: request)
      try nodes?.check(roles: wanted.machine.role)
      try await nodes?.check(stacksOf: wanted.machine)
      return try await answer(fleet.previewTakeover(wanted))
    }
    group.post { request, _ in
      guard let takeover else {
        throw FleetError.notFound(kind: "agent beside this appliance's program: bootstead serve --agent", name: "")
      }
      let wanted = try await body(PrepareTakeover.self, of: request)
      try nodes?.check(roles: wanted.machine.role)
      try await nodes?.check(stacksOf: wanted.machine)
      let offer = try await takeover.prepare(wanted)
      return try answer(
        TakeoverAnswer(offer: offer, urls: takeover.urls, scriptDigests: takeover.urls.map(takeover.scriptDigest)),
        status: .created)
    }
  }
}
