import AgentProtocol
import ArgumentParser
import Fleet
import Foundation

/// Options of all commands that ask a running node.
struct NodeTaskOptions: ParsableArguments {
  @OptionGroup var appliance: ApplianceOptions
  @Flag(help: "Queue it, and do not wait for its end.") var noWait = false
  @Option(help: "Seconds for which the node may be silent before the wait ends.") var timeout = 180

  func validate() throws {
    guard timeout > 0 else { throw ValidationError("--timeout takes seconds, 1 or more") }
  }

  /// Asks the node, waits for its answer and prints it.
  /// - Parameters:
  ///   - consent: of what can not be taken back.
  ///   - loss: what is lost or replaced, as a sentence.
  func carryOut(_ task: NodeTask, on machine: String, consent: OperatorConsent? = nil, loss: String? = nil)
    async throws
  {
    try await reportingFailures {
      let client = appliance.client
      let path = "/v1/machines/\(pathComponent(machine))"
      var request = QueueTask(task)
      request.wantsJSON = appliance.json
      if let consent, let loss {
        let name = try await client.get(path, as: MachineDetail.self).machine.name
        if !appliance.json { print("\(task), on \(name): \(loss)") }
        try consent.ask("\(task) on \(name)?")
        request.consents = true
      }
      let queued: TaskDetail = try await client.send("POST", path + "/tasks", request)
      if noWait {
        return try show(TaskResult(queued), json: appliance.json) {
          "queued as \(queued.task.identifier): bootstead task show \(queued.task.identifier)"
        }
      }
      try TaskResult.tell(try await wait(for: queued, client), json: appliance.json)
    }
  }

  /// Asks the node, and waits for its answer.
  /// - Parameter isShown: how far it is, on standard error.
  /// - Throws: exit code 6 where the node does not answer.
  func ended(_ task: NodeTask, on machine: String, isShown: Bool = true) async throws -> TaskDetail {
    let client = appliance.client
    let queued: TaskDetail = try await client.send(
      "POST", "/v1/machines/\(pathComponent(machine))/tasks", QueueTask(task))
    return try await wait(for: queued, client, isShown: isShown)
  }

  /// - Throws: exit code 6 where the node does not answer.
  func wait(for queued: TaskDetail, _ client: ApplianceClient, isShown: Bool = true) async throws
    -> TaskDetail
  {
    let progress = TaskProgress(machine: queued.machine, isShown: isShown && !appliance.json)
    defer { progress.end() }
    let began = Date()
    while true {
      let detail: TaskDetail = try await client.get("/v1/tasks/\(queued.task.identifier)")
      if detail.task.state.isFinal { return detail }
      progress.show(detail)
      // A node that answers, and does not take the task up, is silent about it.
      let isHeard = detail.task.state == .running || detail.ahead > 0
      let heard = max(began, isHeard ? detail.reportedAt ?? began : began)
      if Date().timeIntervalSince(heard) > Double(timeout) {
        progress.end()
        printError(silence(of: detail, isHeard: isHeard))
        throw CommandFailure.nodeSilent
      }
      try await Task.sleep(for: .milliseconds(500))
    }
  }

  private func silence(of detail: TaskDetail, isHeard: Bool) -> String {
    let (task, machine) = (detail.task, detail.machine)
    let stays =
      task.state == .queued
      ? "the task \(task.identifier) stays queued: bootstead task cancel \(task.identifier) takes it back"
      : "the node has the task \(task.identifier), or may have it: bootstead task show \(task.identifier); bootstead task "
        + "cancel \(task.identifier) gives it up where it stays silent, so that later ones go on"
    guard !isHeard, let reported = detail.reportedAt, Date().timeIntervalSince(reported) < Double(timeout) else {
      return "\(machine) reported last \(ageText(detail.reportedAt)); \(stays)"
    }
    return "\(machine) reports, and did not take the task up within \(timeout) s: its agent may be too old for tasks "
      + "(bootstead apply \(machine) gives it a newer system); \(stays)"
  }
}

extension CommandFailure {
  /// The node did not answer in time.
  static let nodeSilent = ExitCode(6)
}
