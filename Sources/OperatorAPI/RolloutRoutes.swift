import BinaryCache
import Fleet
import Foundation
import Hummingbird
import NixFormats

/// `GET` and `PUT /v1/golden`
public struct GoldenSetting: Codable, Sendable {
  public var closure: String?
  public init(closure: String?) { self.closure = closure }
}

/// `GET /v1/machines/NAME/diff`
public struct SystemDifference: Codable, Sendable {
  public var machine: String
  public var running: String
  public var wanted: String
  public var difference: ClosureDifference
}

extension OperatorRoutes {
  /// Changing the systems of running nodes.
  func rolloutRoutes(_ group: RouterGroup<BasicRequestContext>) {
    group.post("rollouts/plan") { request, _ in
      try await answer(weighed(fleet.planRollout(body(RolloutRequest.self, of: request))))
    }
    group.post("rollouts") { request, _ in
      let order = try await body(RolloutRequest.self, of: request)
      // The node would find out as well, after it has begun.
      for step in try await weighed(fleet.planRollout(order)).steps where step.action == .refused {
        throw FleetError.conflict("'\(step.machine)' can not change its system: \(step.reason ?? "")")
      }
      return try await answer(fleet.orderRollout(order), status: .created)
    }
    group.get("machines/:name/rollouts") { _, context in try await answer(fleet.rollouts(of: context.name)) }
    group.get("machines/:name/diff") { _, context in
      let machine = try await fleet.machine(context.name).machine
      guard let running = machine.runningClosure, let wanted = machine.closure else {
        throw FleetError.conflict(
          "'\(machine.name)' "
            + (machine.closure == nil
              ? "has no system that is set: bootstead machine set \(machine.name) --closure STORE_PATH"
              : "has not reported yet what it runs: bootstead watch \(machine.name)"))
      }
      return try answer(
        SystemDifference(
          machine: machine.name.text, running: running, wanted: wanted,
          difference: ClosureDifference(
            from: cache.closure(of: StorePath(absolute: running)), to: cache.closure(of: StorePath(absolute: wanted)))))
    }
    group.get("golden") { _, _ in try await answer(GoldenSetting(closure: fleet.goldenClosure())) }
    group.put("golden") { request, _ in
      let setting = try await body(GoldenSetting.self, of: request)
      if let closure = setting.closure { _ = try cache.closure(of: StorePath(absolute: closure)) }
      try await fleet.setGoldenClosure(setting.closure ?? "")
      return try answer(setting)
    }
  }

  /// The plan with what each node has to fetch. A system that the cache does not have whole is refused.
  private func weighed(_ plan: RolloutPlan) -> RolloutPlan {
    var plan = plan
    for (index, step) in plan.steps.enumerated() where step.action == .change {
      do {
        let wanted = try cache.closure(of: StorePath(absolute: step.wanted ?? ""))
        plan.steps[index].kubernetes =
          KubernetesVersion(packages: wanted.map(\.storePath.name))?
          .description
        // What somebody built on the node itself is not in the cache; then the node may have any of it.
        guard let running = try? cache.closure(of: StorePath(absolute: step.running ?? "")) else { continue }
        let difference = ClosureDifference(from: running, to: wanted)
        plan.steps[index].newPaths = difference.added.count
        plan.steps[index].newBytes = difference.addedSize
      } catch {
        plan.steps[index].action = .refused
        plan.steps[index].reason = "\(error)"
      }
    }
    return plan
  }
}
