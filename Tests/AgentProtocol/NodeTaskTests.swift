import AgentProtocol
import Testing

@Suite("Tasks for nodes")
struct NodeTaskTests {
  static func all() throws -> [NodeTask] {
    let (photos, files) = (try StackName("photos"), try StackName("files-2"))
    let container = StackTarget(photos, container: try ContainerName("Server_1.a"))
    let (plan, name) = (try BackupPlanName("borg-per-service"), try SnapshotName("before_Update"))
    return [
      .applyStacks, .logs(container, lines: 1), .logs(StackTarget(photos), lines: 1000), .processes(nil),
      .processes(photos), .usage(photos), .showStorage, .createSnapshot(name, []),
      .createSnapshot(name, [photos, files]),
      .listSnapshots([]), .listSnapshots([files]), .rollBackSnapshot(photos, name), .destroySnapshot(photos, name),
      .backUp(plan, []), .backUp(plan, [photos]), .listArchives(photos, plan: nil), .listArchives(photos, plan: plan),
      .checkBackups([photos], plan: nil, verifiesData: false), .checkBackups([photos], plan: plan, verifiesData: true),
      .pruneBackups(plan, []), .pruneBackups(plan, [photos]), .removeStack(photos),
      .showCoverage, .recoverBackups, .testRestore([]), .testRestore([photos]), .restore(photos, .latest, plan: nil),
      .restore(photos, try ArchiveName("photos-2026-11-22T02:26:47"), plan: plan),
      .followLogs(container, lines: 1, since: nil),
      .followLogs(StackTarget(photos), lines: 7, since: try LogTime("2026-01-31T23:59:59.123456789Z")), .clusterNodes,
      .drainNode(try ClusterNodeName("node-1"), deletesScratch: false, acceptsOutage: false),
      .drainNode(try ClusterNodeName("node-1"), deletesScratch: true, acceptsOutage: true),
      .uncordonNode(try ClusterNodeName("node-1")), .forgetNode(try ClusterNodeName("node-1")),
      .kubeconfig(server: try ClusterAddress("https://[2001:db8::1]:6443"), AgeIdentity().recipient),
    ] + NodeTask.StackVerb.allCases.flatMap { [.stack($0, nil), .stack($0, container)] }
  }

  @Test("every task comes back from its JSON as it was, alone and in a node's orders")
  func roundTrip() throws {
    let tasks = try Self.all()
    #expect(Set(tasks).count == tasks.count)
    for task in tasks {
      #expect(try MessageCoder.decode(NodeTask.self, from: MessageCoder.encode(task)) == task)
      let orders = NodeOrders(
        nextReport: 5, task: NodeTaskOrder(identifier: TaskIdentifier(), task: task, wantsJSON: true))
      #expect(try MessageCoder.decode(NodeOrders.self, from: MessageCoder.encode(orders)) == orders)
      #expect(!task.description.isEmpty)
    }
    #expect(Set(tasks.filter(\.isDestructive)).count == 6)
    #expect(tasks.allSatisfy { $0.isChange || !$0.isDestructive })
  }

  @Test("the form of tasks is fixed: what an appliance sends today is read by every later agent")
  func form() throws {
    let target = try StackTarget("photos/server")
    #expect(
      String(decoding: try MessageCoder.encode(NodeTask.stack(.up, target)), as: UTF8.self)
        == #"{"container":"server","stack":"photos","task":"up"}"#)
    #expect(
      String(
        decoding: try MessageCoder.encode(
          NodeTask.restore(target.stack, .latest, plan: BackupPlanName("daily"))), as: UTF8.self)
        == #"{"archive":"latest","plan":"daily","stack":"photos","task":"restore"}"#)
  }

  @Test(
    "what is no task of the set, or has a name that is none, is refused",
    arguments: [
      #"{}"#, #"{"task":"shell"}"#, #"{"task":"up","stack":""}"#, #"{"task":"up","stack":"--all"}"#,
      #"{"task":"up","stack":"-f"}"#, #"{"task":"up","stack":"a b"}"#, #"{"task":"up","stack":"a/../b"}"#,
      #"{"task":"up","stack":"photos;reboot"}"#, #"{"task":"up","stack":"Photos"}"#, #"{"task":"up","stack":7}"#,
      #"{"task":"up","stack":"a\u0000b"}"#, #"{"task":"up","stack":"a\n"}"#, #"{"task":"up","stack":"ä"}"#,
      #"{"task":"up","stack":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}"#,
      #"{"task":"up","container":"server"}"#, #"{"task":"up","stack":"photos","container":"$(id)"}"#,
      #"{"task":"up","stack":"photos","container":"-h"}"#, #"{"task":"logs","lines":5}"#,
      #"{"task":"followLogs","stack":"photos","lines":5,"since":"1h"}"#,
      #"{"task":"followLogs","stack":"photos","lines":5,"since":"2026-01-31T23:59:59.Z"}"#,
      #"{"task":"followLogs","stack":"photos","lines":5,"since":"2026-01-31 23:59:59Z"}"#,
      #"{"task":"drainNode","node":"--all"}"#, #"{"task":"uncordonNode"}"#, #"{"task":"forgetNode","node":"-l"}"#,
      #"{"task":"kubeconfig","server":"https://a"}"#,
      #"{"task":"kubeconfig","server":"http://a:6443","recipient":"age1"}"#,
      #"{"task":"kubeconfig","server":"https://-x","recipient":"age1"}"#,
      #"{"task":"logs","stack":"photos"}"#, #"{"task":"logs","stack":"photos","lines":0}"#,
      #"{"task":"logs","stack":"photos","lines":1001}"#, #"{"task":"logs","stack":"photos","lines":-1}"#,
      #"{"task":"logs","stack":"photos","lines":"5"}"#, #"{"task":"usage"}"#, #"{"task":"createSnapshot"}"#,
      #"{"task":"createSnapshot","name":"a.b"}"#, #"{"task":"createSnapshot","name":"a","stacks":["b","-c"]}"#,
      #"{"task":"createSnapshot","name":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}"#,
      #"{"task":"rollBackSnapshot","stack":"photos"}"#, #"{"task":"destroySnapshot","name":"a"}"#,
      #"{"task":"backUp"}"#, #"{"task":"backUp","plan":"../x"}"#, #"{"task":"pruneBackups"}"#,
      #"{"task":"removeStack"}"#,
      #"{"task":"checkBackups","stacks":[]}"#,
      #"{"task":"restore","stack":"photos"}"#, #"{"task":"restore","stack":"photos","archive":"a::b c"}"#,
      #"{"task":"restore","stack":"photos","archive":"/etc"}"#, #"{"task":"restore","archive":"latest"}"#,
      #"{"task":["up"]}"#, #"[]"#, #"null"#,
    ])
  func refused(json: String) {
    #expect(throws: MessageCoder.Failure.self) { try MessageCoder.decode(NodeTask.self, from: Array(json.utf8)) }
  }

  @Test("a task with bytes changed, doubled or missing is refused, or is a task of the set", arguments: 0..<20)
  func mutated(seed: Int) throws {
    var random = SeededGenerator(state: UInt64(seed))
    let tasks = try Self.all()
    for _ in 0..<100 {
      var bytes = try MessageCoder.encode(tasks.randomElement(using: &random) ?? .showStorage)
      for _ in 0..<Int.random(in: 1...4, using: &random) where bytes.count > 1 {
        let index = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[index] = UInt8.random(in: .min ... .max, using: &random)
        case 1: bytes.remove(at: index)
        default: bytes.insert(bytes[index], at: index)
        }
      }
      guard let task = try? MessageCoder.decode(NodeTask.self, from: bytes) else { continue }
      #expect(try MessageCoder.decode(NodeTask.self, from: MessageCoder.encode(task)) == task)
      // What would be an option, or steer a terminal, is in no name.
      #expect(!"\(task)".contains(" -") || "\(task)".contains(" --archive "))
      #expect("\(task)".unicodeScalars.allSatisfy { (32...126).contains($0.value) })
    }
  }

  @Test("a task that names too many stacks is refused")
  func tooMany() throws {
    let stacks = try (0...NodeTask.stackLimit).map { try StackName("s\($0)") }
    #expect(throws: NodeTaskError.self) { try NodeTask.testRestore(stacks).check() }
    #expect(throws: Never.self) { try NodeTask.testRestore(Array(stacks.dropLast())).check() }
  }

  @Test("an order with a task that this program does not know keeps its identifier, and the other orders hold")
  func unknownTask() throws {
    let json = #"{"nextReport":7,"networkBoot":"x","task":{"identifier":"0123456789abcdef","task":{"task":"dance"}}}"#
    let orders = try MessageCoder.decode(NodeOrders.self, from: Array(json.utf8))
    #expect(orders.networkBoot == "x" && orders.task?.identifier.text == "0123456789abcdef" && orders.task?.task == nil)
  }

  @Test("the reports and orders of programs that know no tasks are read, too")
  func older() throws {
    let key = try SigningPrivateKey().publicKey
    let report = NodeReport(machineName: "n", nodeKey: key, closure: "c", kernel: "6", bootIdentifier: "b", uptime: 1)
    let read = try MessageCoder.decode(NodeReport.self, from: MessageCoder.encode(report))
    #expect(read.tasks == nil && read.alarms == nil)
    #expect(try MessageCoder.decode(NodeOrders.self, from: Array(#"{"nextReport":60}"#.utf8)).task == nil)
  }

  @Test(
    "the end of a text has at most so many bytes, and whole characters",
    arguments: [
      ("abc", 5, "abc"), ("abcdef", 3, "def"), ("aäö", 3, "ö"), ("aäö", 4, "äö"), ("ä", 1, ""), ("ab", 0, ""),
    ])
  func tail(text: String, limit: Int, end: String) {
    #expect(NodeTaskReport.tail(text, limit: limit) == end)
  }

  @Test("refusals name what was wrong and what is expected, and steer no terminal")
  func messages() {
    #expect {
      try StackName("\u{1B}[31m")
    } throws: { error in
      "\(error)".contains("a stack's name") && "\(error)".contains("a-z") && !"\(error)".contains("\u{1B}")
    }
    #expect {
      try NodeTask.logs(StackTarget("a"), lines: 5000).check()
    } throws: {
      "\($0)".contains("1 to 1000")
    }
  }
}
