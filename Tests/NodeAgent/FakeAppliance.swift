import AgentProtocol
import HTTPConnection
import Synchronization

/// A stand-in for the appliance, in this process: real HTTP and real signatures, but its decisions are a test's script
/// and nothing of it is the product's server.
final class FakeAppliance: Sendable {
  struct State {
    var tasks: [AgentTask] = []
    var serverNonce = ClaimNonce()
    /// What hello opens; another nonce than the committed one makes the appliance a liar.
    var openedNonce: ClaimNonce?
    var session = SessionIdentifier()
    var counter = SessionCounter()
    var hellos: [HelloRequest] = []
    var paths: [String] = []
    var progress: [ProgressReport] = []
    var installed: [InstalledReport] = []
    var failed: [FailedReport] = []
    var examined: [ExaminedReport] = []
    var inventories = 0
    var saved: [SavedDiskState] = []
    var wiped: [WipedReport] = []
    /// The answers to a node's reports; the last one again and again.
    var orders: [NodeOrders] = []
    var nodeReports: [NodeReport] = []
    var nodeCounter = SessionCounter()
    /// Errors to give, each once, before the path is served.
    var troubles: [String: [Trouble]] = [:]
  }

  enum Trouble {
    /// The connection ends without an answer.
    case close
    case unavailable
    case forgetSession
    /// The request is carried out, the answer gets lost.
    case loseAnswer
    /// Somebody else answers.
    case wrongKey
  }

  let key: SigningPrivateKey
  let state = Mutex(State())

  init(tasks: [AgentTask] = []) throws {
    key = try SigningPrivateKey()
    state.withLock { $0.tasks = tasks }
  }

  func read<Value: Sendable>(_ path: any KeyPath<State, Value> & Sendable) -> Value {
    state.withLock { $0[keyPath: path] }
  }

  func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }

  /// Serves on a port of the loop-back interface while `body` runs.
  func serve<Result: Sendable>(_ body: (HTTPEndpoint) async throws -> Result) async throws -> Result {
    try await FakeServer.serve(
      { self.answer(method: $0.method, path: $0.path, body: $0.body, header: $0.header) }, while: body)
  }

  /// Nil closes the connection.
  func answer(method: String, path: String, body: [UInt8], header: (String) -> String?) -> FakeServer.Answer? {
    state.withLock { state in
      state.paths.append(path)
      let trouble = state.troubles[path]?.first
      if trouble != nil { state.troubles[path]?.removeFirst() }
      do {
        let request =
          path == AgentPath.begin
          ? SignedRequest.unsigned(method: method, path: path, body: body)
          : try SignedRequest(method: method, path: path, body: body, header: header)
        var status = 200
        var content: [UInt8] = []
        do {
          switch trouble {
          case .close: return nil
          case .unavailable: throw AgentRefusal(code: .unavailable, message: "in a test")
          case .forgetSession:
            state.session = SessionIdentifier()
            state.counter = SessionCounter()
          case .loseAnswer, .wrongKey, nil: break
          }
          content = try serve(path: path, body: body, request: request, &state)
          if content.isEmpty { status = 204 }
        } catch let refusal as AgentRefusal {
          status = refusal.code == .unavailable ? 503 : 401
          content = try MessageCoder.encode(refusal)
        } catch let error as SignatureError {
          status = 401
          content = try MessageCoder.encode(AgentRefusal(code: .wrongSignature, message: "\(error)"))
        }
        if case .loseAnswer = trouble { return nil }
        let signer = if case .wrongKey = trouble { try SigningPrivateKey() } else { key }
        let signed = try SignedResponse.sign(status: status, body: content, answering: request, key: signer)
        return FakeServer.Answer(status: status, headers: signed.headers, body: content)
      } catch {
        return FakeServer.Answer(status: 400, body: Array("\(error)".utf8))
      }
    }
  }

  private func serve(path: String, body: [UInt8], request: SignedRequest, _ state: inout State) throws -> [UInt8] {
    switch path {
    case AgentPath.begin:
      state.serverNonce = ClaimNonce()
      state.session = SessionIdentifier()
      state.counter = SessionCounter()
      return try MessageCoder.encode(
        BeginAnswer(
          session: state.session,
          commitment: ClaimCommitment(applianceKey: key.publicKey, serverNonce: state.serverNonce)))
    case AgentPath.hello:
      let hello = try MessageCoder.decode(HelloRequest.self, from: body)
      try check(request, by: hello.agentKey, &state)
      state.hellos.append(hello)
      return try MessageCoder.encode(
        HelloAnswer(serverNonce: state.openedNonce ?? state.serverNonce, machineName: "node1"))
    case AgentPath.report:
      let report = try MessageCoder.decode(NodeReport.self, from: body)
      guard let node = state.installed.last?.nodeKey, request.session == SessionIdentifier(node: node) else {
        throw AgentRefusal(code: .unknownSession, message: "no such node")
      }
      try request.verify(by: node)
      try state.nodeCounter.accept(request.counter)
      state.nodeReports.append(report)
      let orders = state.orders.count > 1 ? state.orders.removeFirst() : state.orders.first
      return try orders.map { try MessageCoder.encode($0) } ?? []
    default: break
    }
    guard let agent = state.hellos.last?.agentKey else {
      throw AgentRefusal(code: .unknownSession, message: "nobody has claimed")
    }
    try check(request, by: agent, &state)
    switch path {
    case AgentPath.task:
      let task = state.tasks.count > 1 ? state.tasks.removeFirst() : state.tasks.first
      return try MessageCoder.encode(task ?? .wait(reason: "nothing to do", seconds: 1))
    case AgentPath.inventory: state.inventories += 1
    case AgentPath.progress: state.progress.append(try MessageCoder.decode(ProgressReport.self, from: body))
    case AgentPath.installed: state.installed.append(try MessageCoder.decode(InstalledReport.self, from: body))
    case AgentPath.saved: state.saved.append(try MessageCoder.decode(SavedDiskState.self, from: body))
    case AgentPath.wiped: state.wiped.append(try MessageCoder.decode(WipedReport.self, from: body))
    case AgentPath.failed: state.failed.append(try MessageCoder.decode(FailedReport.self, from: body))
    case AgentPath.examined: state.examined.append(try MessageCoder.decode(ExaminedReport.self, from: body))
    default: throw AgentRefusal(code: .malformed, message: "no such path")
    }
    return []
  }

  private func check(_ request: SignedRequest, by agent: SigningPublicKey, _ state: inout State) throws {
    guard request.session == state.session else {
      throw AgentRefusal(code: .unknownSession, message: "the session was forgotten")
    }
    try request.verify(by: agent)
    try state.counter.accept(request.counter)
  }

  /// The code that the operator would see.
  var code: ShortCode? {
    state.withLock { state in
      state.hellos.last.map {
        ShortCode(
          applianceKey: key.publicKey, serverNonce: state.serverNonce, agentKey: $0.agentKey, recipient: $0.recipient,
          agentNonce: $0.agentNonce, bootNonce: $0.bootNonce)
      }
    }
  }
}
