import AgentProtocol
import BinaryCache
import Fleet
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import NixFormats

extension BootServer {
  /// What agents ask. Every request but the first is signed by the agent's key, and every answer by the appliance's.
  func agentRoutes(_ router: Router<BootRequestContext>) {
    router.post("agent/v1/begin") { request, _ in
      let body = try await bodyBytes(request)
      let unsigned = SignedRequest.unsigned(method: "POST", path: AgentPath.begin, body: body)
      return try await signedAnswer(to: unsigned) {
        try await fleet.begin(MessageCoder.decode(BeginRequest.self, from: body), applianceKey: applianceKey.publicKey)
      }
    }
    agent(router, .post, AgentPath.hello) { signed, body in
      try await fleet.hello(
        MessageCoder.decode(HelloRequest.self, from: body), signed: signed, applianceKey: applianceKey.publicKey)
    }
    agent(router, .get, AgentPath.task) { signed, _ -> AgentTask? in
      let task = try await fleet.task(
        signed: signed,
        source: InstallSource(
          cachePublicKeys: [cache.publicKey.description], consoleArguments: configuration.consoleArguments,
          appliance: ApplianceIdentity(
            url: configuration.listenerURL, publicKey: applianceKey.publicKey.description,
            cacheKey: cache.publicKey.description)))
      return try await withFlake(task)
    }
    agent(router, .post, AgentPath.inventory) { signed, body -> Nothing? in
      try await fleet.inventory(MessageCoder.decode(MachineInventory.self, from: body), signed: signed)
      return nil
    }
    agent(router, .post, AgentPath.progress) { signed, body -> Nothing? in
      try await fleet.progress(MessageCoder.decode(ProgressReport.self, from: body), signed: signed)
      return nil
    }
    agent(router, .post, AgentPath.installed) { signed, body -> Nothing? in
      try await fleet.installed(MessageCoder.decode(InstalledReport.self, from: body), signed: signed)
      return nil
    }
    agent(router, .post, AgentPath.failed) { signed, body -> Nothing? in
      try await fleet.failed(MessageCoder.decode(FailedReport.self, from: body), signed: signed)
      return nil
    }
    agent(router, .post, AgentPath.examined) { signed, body -> Nothing? in
      try await fleet.examined(MessageCoder.decode(ExaminedReport.self, from: body), signed: signed)
      return nil
    }
    agent(router, .post, AgentPath.saved) { signed, body -> Nothing? in
      try await fleet.saved(MessageCoder.decode(SavedDiskState.self, from: body), signed: signed)
      return nil
    }
    agent(router, .post, AgentPath.wiped) { signed, body -> Nothing? in
      try await fleet.wiped(MessageCoder.decode(WipedReport.self, from: body), signed: signed)
      return nil
    }
    agent(router, .post, AgentPath.report) { signed, body in
      try await fleet.report(
        MessageCoder.decode(NodeReport.self, from: body), signed: signed,
        cachePublicKeys: [cache.publicKey.description])
    }
  }

  struct Nothing: Encodable, Sendable {}

  private func agent<Answer: Encodable & SendableMetatype>(
    _ router: Router<BootRequestContext>, _ method: HTTPRequest.Method, _ path: String,
    _ handle: @escaping @Sendable (SignedRequest, [UInt8]) async throws -> Answer?
  ) {
    router.on(RouterPath(path), method: method) { request, _ in
      let body = try await bodyBytes(request)
      let signed: SignedRequest
      do {
        signed = try SignedRequest(method: method.rawValue, path: request.uri.string, body: body) { name in
          HTTPField.Name(name).flatMap { request.headers[$0] }
        }
      } catch {
        throw HTTPError(.badRequest, message: "the request is not signed as it must be: \(error)")
      }
      return try await signedAnswer(to: signed) { try await handle(signed, body) }
    }
  }

  func bodyBytes(_ request: Request) async throws -> [UInt8] {
    Array(try await request.body.collect(upTo: 4 << 20).readableBytesView)
  }

  func signedAnswer<Answer: Encodable>(to request: SignedRequest, _ make: () async throws -> Answer?)
    async throws -> Response
  {
    let (status, body): (Int, [UInt8])
    do {
      if let answer = try await make() {
        (status, body) = (200, try MessageCoder.encode(answer))
      } else {
        (status, body) = (204, [])
      }
    } catch {
      let refusal = refusal(for: error)
      if refusal.code == .unavailable {
        logger.error("agent request not answered", metadata: ["path": "\(request.path)", "error": "\(error)"])
      } else {
        logger.info("agent request refused", metadata: ["path": "\(request.path)", "reason": "\(refusal.message)"])
      }
      (status, body) = (self.status(of: refusal.code), try MessageCoder.encode(refusal))
    }
    let signature = try SignedResponse.sign(status: status, body: body, answering: request, key: applianceKey)
    var headers: HTTPFields = body.isEmpty ? [:] : [.contentType: "application/json"]
    for header in signature.headers {
      if let name = HTTPField.Name(header.name) { headers[name] = header.value }
    }
    return Response(
      status: .init(code: status), headers: headers,
      body: body.isEmpty ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
  }

  private func refusal(for error: any Error) -> AgentRefusal {
    switch error {
    case let error as AgentRefusal: error
    case SignatureError.replayed(let counter, let last):
      AgentRefusal(code: .replayed, message: "request \(counter) came after request \(last)")
    case let error as SignatureError: AgentRefusal(code: .wrongSignature, message: "\(error)")
    case let error as MessageCoder.Failure: AgentRefusal(code: .malformed, message: "\(error)")
    case FleetError.database: AgentRefusal(code: .unavailable, message: "the appliance's registry can not answer")
    case let error as FleetError: AgentRefusal(code: .notExpected, message: error.description)
    default: AgentRefusal(code: .unavailable, message: "the appliance could not answer: \(type(of: error))")
    }
  }

  private func status(of code: AgentRefusal.Code) -> Int {
    switch code {
    case .unknownBoot: 404
    case .unknownSession, .wrongSignature: 401
    case .replayed, .frozen, .notExpected: 409
    case .malformed: 400
    case .unavailable: 503
    }
  }
}
