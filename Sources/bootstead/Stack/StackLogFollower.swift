import AgentProtocol
import Fleet
import Foundation
import Synchronization

/// Prints what a stack's containers print, until Ctrl-C. The appliance opens no connection to a node, so the node is asked
/// again and again for what is new.
struct StackLogFollower: Sendable {
  let options: NodeTaskOptions
  let machine: String
  let target: StackTarget
  let lines: Int

  /// With `--json`, one in each line.
  private struct Printed: Encodable {
    var time: String
    var text: String
  }

  func run() async throws {
    let open = OpenTask()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await follow(open) }
      group.addTask { await Self.interrupt() }
      defer { group.cancelAll() }
      do {
        try await group.next()
      } catch {
        await open.takeBack(options.appliance.client)
        throw error
      }
    }
    await open.takeBack(options.appliance.client)
  }

  private func follow(_ open: OpenTask) async throws {
    let client = options.appliance.client
    let path = "/v1/machines/\(pathComponent(machine))/tasks"
    var window = LogWindow()
    while true {
      let count = window.newest == nil ? lines : NodeTask.logLines.upperBound
      let task = NodeTask.followLogs(target, lines: count, since: try window.since.map { try LogTime($0) })
      let queued: TaskDetail = try await client.send("POST", path, QueueTask(task))
      open.set(queued.task.identifier.text)
      let ended = try await options.wait(for: queued, client, isShown: window.newest == nil)
      open.set(nil)
      guard ended.task.state == .succeeded else { return try TaskResult.tell(ended, json: options.appliance.json) }
      if ended.task.isCut { printError("more was printed than a node tells at once: lines are missing here") }
      for line in window.take(ended.task.output ?? "") {
        if options.appliance.json {
          try print(NDJSON.text(Printed(time: line.time, text: line.text)))
        } else {
          print(terminalText(line.text))
        }
      }
      fflush(nil)
    }
  }

  private static func interrupt() async {
    signal(SIGINT, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: SIGINT)
    let (interrupts, continuation) = AsyncStream.makeStream(of: Void.self)
    source.setEventHandler { continuation.yield() }
    source.resume()
    for await _ in interrupts { break }
    source.cancel()
  }

  /// One JSON value in one line.
  private enum NDJSON {
    static func text(_ value: some Encodable) throws -> String {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
  }
}

/// The task that is not answered yet.
private final class OpenTask: Sendable {
  private let identifier = Mutex<String?>(nil)

  func set(_ new: String?) { identifier.withLock { $0 = new } }

  /// What the node has already ends by itself.
  func takeBack(_ client: ApplianceClient) async {
    guard let identifier = identifier.withLock({ $0 }) else { return }
    _ = try? await client.send("POST", "/v1/tasks/\(identifier)/cancel", [String: String](), as: TaskDetail.self)
  }
}
