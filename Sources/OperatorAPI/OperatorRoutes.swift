import BinaryCache
import BootDecision
import Fleet
import Foundation
import HTTPTypes
import Hummingbird
import Images
import Logging
import NIOCore
import NetworkAddress
import NixFormats
import NodeFlake

/// The operator's API: what the command line asks of the running appliance, over a Unix socket that only its owner can
/// open.
public struct OperatorRoutes: Sendable {
  let fleet: Fleet
  let cache: CacheDirectory
  let catalogue: ImageCatalogue
  let onEnrolment: @Sendable (Enrolment) -> Void
  let status: @Sendable () async throws -> StatusAnswer
  /// Nil where the appliance has no agent to take machines over with.
  let takeover: TakeoverOffers?
  /// Nil where no flakes are made.
  let nodes: NodeFlakes?

  public init(
    fleet: Fleet, cache: CacheDirectory, catalogue: ImageCatalogue,
    onEnrolment: @escaping @Sendable (Enrolment) -> Void, takeover: TakeoverOffers? = nil, nodes: NodeFlakes? = nil,
    status: @escaping @Sendable () async throws -> StatusAnswer
  ) {
    self.fleet = fleet
    self.cache = cache
    self.catalogue = catalogue
    self.onEnrolment = onEnrolment
    self.status = status
    self.takeover = takeover
    self.nodes = nodes
  }

  /// A server on the Unix socket at `path`; a stale socket of a dead server is replaced.
  public func application(socketPath: String, logger: Logger) -> some ApplicationProtocol {
    let router = Router()
    router.add(middleware: ErrorMiddleware())
    machineRoutes(router.group("v1/machines"))
    factsRoutes(router.group("v1/machines"))
    flakeRoutes(router.group("v1/machines"))
    declarationRoutes(router.group("v1/declaration"))
    clusterRoutes(router.group("v1/clusters"))
    buildRoutes(router.group("v1/builds"))
    closureRoutes(router.group("v1/closures"))
    imageRoutes(router.group("v1"))
    takeoverRoutes(router.group("v1/takeovers"))
    rolloutRoutes(router.group("v1"))
    taskRoutes(router.group("v1"))
    stackMoveRoutes(router.group("v1/moves"))
    router.get("v1/status") { _, _ in try await answer(status()) }
    router.get("v1/enrolment") { _, _ in
      try await answer(EnrolmentSetting(enrolment: fleet.enrolment().rawValue))
    }
    router.put("v1/enrolment") { request, _ in
      let text = try await body(EnrolmentSetting.self, of: request).enrolment
      guard let enrolment = Enrolment(rawValue: text) else {
        throw FleetError.invalidValue(field: "enrolment", reason: "'\(text)' is not closed, inventory or automatic")
      }
      try await fleet.setEnrolment(enrolment)
      onEnrolment(enrolment)
      return try answer(EnrolmentSetting(enrolment: enrolment.rawValue))
    }
    router.post("v1/tokens") { request, _ in
      let days = try await body(TokenRequest.self, of: request).days
      guard (1...3650).contains(days) else {
        throw FleetError.conflict("a token is good for 1 to 3650 days, not \(days)")
      }
      let made = try await fleet.makeToken(purpose: "cache", lifetime: Double(days) * 86_400)
      return try answer(TokenAnswer(token: made.token, expiresAt: made.expiresAt))
    }
    router.delete("v1/tokens") { _, _ in
      try await answer(TokensRevoked(revoked: fleet.revokeTokens(purpose: "cache")))
    }
    return Application(
      router: router,
      configuration: .init(address: .unixDomainSocket(path: socketPath), serverName: nil), logger: logger)
  }

  private func machineRoutes(_ group: RouterGroup<BasicRequestContext>) {
    group.get { _, _ in try await answer(fleet.machines()) }
    group.post { request, _ in
      let add = try await body(AddMachine.self, of: request)
      try nodes?.check(roles: add.role)
      try await nodes?.check(stacksOf: add)
      return try await answer(fleet.add(add), status: .created)
    }
    group.get(":name") { _, context in try await answer(fleet.machine(context.name)) }
    group.patch(":name") { request, context in
      let change = try await body(SetMachine.self, of: request)
      try nodes?.check(roles: change.role)
      try await nodes?.check(stacksOf: context.name, after: change)
      return try await answer(fleet.set(context.name, change))
    }
    group.delete(":name") { _, context in
      try await fleet.remove(context.name)
      return Response(status: .noContent)
    }
    group.post(":name/approve") { request, context in
      let approval = try await body(ApproveMachine.self, of: request)
      try nodes?.check(roles: approval.role)
      try await nodes?.check(stacksOf: context.name, after: approval)
      return try await answer(fleet.approve(context.name, approval))
    }
    group.post(":name/rename") { request, context in
      try await answer(fleet.rename(context.name, to: body(MachineName.self, of: request)))
    }
    group.get(":name/events") { request, context in
      let after = request.uri.queryParameters.get("after", as: Int64.self) ?? 0
      return try await answer(fleet.events(of: context.name, after: after))
    }
    group.get(":name/why") { _, context in
      let detail = try await fleet.machine(context.name)
      let rows = try await fleet.decisions(of: context.name, limit: 50)
      let tasks = try await fleet.tasks(of: context.name).prefix(5).map {
        "\($0.task.queuedAt.formatted(.iso8601)) '\($0.text)' (task \($0.task.identifier)): \($0.task.standing)"
          + ($0.task.reason.map { ": \($0)" } ?? "")
      }
      return try answer(
        WhyAnswer(
          machine: detail.machine.name.text, state: detail.machine.state.rawValue,
          reason: detail.machine.reason ?? detail.hold ?? detail.machine.evidenceRefusal ?? detail.machine.planRefusal
            ?? detail.machine.restore?.concern ?? detail.moves.first?.standing,
          decisions: rows.map { .init(at: $0.at, decision: $0.decision) }, tasks: tasks))
    }
    recoveryRoutes(group)
    secretRoutes(group)
  }

  private func imageRoutes(_ group: RouterGroup<BasicRequestContext>) {
    group.get("images") { _, _ in try answer(catalogue.images) }
    group.post("images") { request, _ in
      let add = try await body(AddImage.self, of: request)
      let image = try BootImage(
        name: ImageName(add.name), kernelPath: add.kernel, initrdPath: add.initrd, in: catalogue.store, now: Date())
      try await fleet.store(image)
      catalogue.put(image)
      return try answer(image, status: .created)
    }
    group.delete("images/:name") { _, context in
      let name = try ImageName(context.name)
      try await fleet.removeImage(name)
      guard catalogue.removeImage(named: name) else { throw FleetError.notFound(kind: "image", name: name.text) }
      return Response(status: .noContent)
    }
    group.get("loaders") { _, _ in try answer(catalogue.loaders.map(\.record)) }
    group.get("loaders/:name/content") { _, context in
      let name = try ImageName(context.name)
      guard let loader = catalogue.loader(named: name.text) else {
        throw FleetError.notFound(kind: "loader", name: name.text)
      }
      return Response(status: .ok, body: ResponseBody(byteBuffer: ByteBuffer(bytes: loader.bytes)))
    }
    group.post("loaders") { request, _ in
      let add = try await body(AddLoader.self, of: request)
      guard ["bios", "efiIA32", "efiX64", "efiARM64"].contains(add.architecture) else {
        throw FleetError.invalidValue(
          field: "architecture", reason: "'\(add.architecture)' is not bios, efiIA32, efiX64 or efiARM64")
      }
      let loader = StoredLoader(
        name: try ImageName(add.name), architecture: add.architecture, blob: try catalogue.store.add(fileAt: add.file),
        origin: "operator", features: add.features)
      try await fleet.store(loader)
      try catalogue.put(loader)
      return try answer(loader, status: .created)
    }
    group.delete("loaders/:name") { _, context in
      let name = try ImageName(context.name)
      try await fleet.removeLoader(name)
      guard catalogue.removeLoader(named: name) else { throw FleetError.notFound(kind: "loader", name: name.text) }
      return Response(status: .noContent)
    }
  }
}

extension BasicRequestContext {
  var name: String { get throws { try parameters.require("name").removingPercentEncoding ?? "" } }
}
