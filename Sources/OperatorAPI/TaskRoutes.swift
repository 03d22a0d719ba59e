import Fleet
import Foundation
import HTTPTypes
import Hummingbird

extension OperatorRoutes {
  /// What running nodes are asked to do.
  func taskRoutes(_ group: RouterGroup<BasicRequestContext>) {
    group.get("tasks") { _, _ in try await answer(fleet.tasks()) }
    group.get("tasks/:name") { _, context in try await answer(fleet.task(context.name)) }
    group.post("tasks/:name/cancel") { _, context in try await answer(fleet.cancelTask(context.name)) }
    group.get("machines/:name/tasks") { _, context in try await answer(fleet.tasks(of: context.name)) }
    group.post("machines/:name/tasks") { request, context in
      try await answer(fleet.queue(body(QueueTask.self, of: request), for: context.name), status: .created)
    }
  }
}
