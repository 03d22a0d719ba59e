import AgentProtocol
import CPIO
import Fleet
import Foundation
import HTTPTypes
import Hummingbird
import Images
import Logging
import NIOCore
import NetworkAddress

/// What take-overs are made with.
public struct TakeoverSource: Sendable {
  /// The static agent's file.
  public var agentPath: String
  /// Its SHA-256, 64 lower-case hexadecimal digits.
  public var agentDigest: String
  /// Seconds after which an installer that does not reach the appliance gives the machine back.
  public var watchdogSeconds: Int

  public init(agentPath: String, agentDigest: String, watchdogSeconds: Int = 300) {
    (self.agentPath, self.agentDigest, self.watchdogSeconds) = (agentPath, agentDigest, watchdogSeconds)
  }
}

extension BootServer {
  /// What a machine asks that runs some other system: the script, the agent, and by that kernel and installer.
  func takeoverRoutes(_ router: Router<BootRequestContext>) {
    for method in [HTTPRequest.Method.get, .head] {
      router.on(RouterPath(TakeoverPath.script), method: method) { request, context in
        guard let source = configuration.takeover else { throw HTTPError(.notFound) }
        let text = TakeoverScript.text(appliance: reachedURL(context), agentDigest: source.agentDigest)
        let headers: HTTPFields = [
          .contentType: "text/x-shellscript", .contentLength: String(text.utf8.count), .cacheControl: "no-store",
        ]
        if request.method == .head { return Response(status: .ok, headers: headers) }
        return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
      }
      router.on(RouterPath(TakeoverPath.agent), method: method) { request, context in
        guard let source = configuration.takeover else { throw HTTPError(.notFound) }
        let file = ServedFile(
          path: source.agentPath, contentType: "application/octet-stream", entityTag: source.agentDigest)
        return try await fileResponse(file, to: request, context: context)
      }
    }
    takeover(router, TakeoverPath.begin) { body, token, accepts, context in
      let begin = try MessageCoder.decode(TakeoverBegin.self, from: body)
      return try await grant(fleet.beginTakeover(begin, token: token, accepts: accepts), context)
    }
    takeover(router, TakeoverPath.step) { body, token, accepts, _ -> Nothing? in
      try await fleet.takeoverStep(MessageCoder.decode(TakeoverStep.self, from: body), token: token, accepts: accepts)
      return nil
    }
  }

  private func takeover<Answer: Encodable & SendableMetatype>(
    _ router: Router<BootRequestContext>, _ path: String,
    _ handle:
      @escaping @Sendable ([UInt8], String, @escaping @Sendable ([UInt8]) -> Bool, BootRequestContext)
      async throws -> Answer?
  ) {
    router.post(RouterPath(path)) { request, context in
      let body = try await bodyBytes(request)
      func header(_ name: String) -> String { HTTPField.Name(name).flatMap { request.headers[$0] } ?? "" }
      let (token, proof) = (header(TakeoverProof.Header.token), header(TakeoverProof.Header.proof))
      return try await signedAnswer(to: .unsigned(method: "POST", path: path, body: body)) {
        try await handle(body, token, { TakeoverProof.accepts(proof, key: $0, path: path, body: body) }, context)
      }
    }
  }

  private func grant(_ boot: TakeoverBoot, _ context: BootRequestContext) throws -> TakeoverGrant {
    let name = boot.image ?? configuration.defaultImage
    guard let image = catalogue.image(named: name) else {
      throw AgentRefusal(
        code: .unavailable, message: "the appliance has no boot image '\(name)': run 'bootstead installer build' there")
    }
    func file(_ blob: Blob, _ part: String) -> TakeoverGrant.File {
      TakeoverGrant.File(path: "/boot/images/\(name)/\(part)", size: blob.size, digest: blob.digest)
    }
    return TakeoverGrant(
      machineName: boot.machine.text, kernel: file(image.kernel, "kernel"), initrd: file(image.initrd, "initrd"),
      overlay: BootOverlay(
        applianceURL: reachedURL(context), appliancePublicKey: applianceKey.publicKey, bootNonce: boot.nonce,
        machineName: boot.machine.text, mode: .install, watchdogSeconds: configuration.takeover?.watchdogSeconds ?? 300),
      arguments: installerArguments + configuration.consoleArguments)
  }

  /// The address by which the client came, which is the one that it reaches.
  private func reachedURL(_ context: BootRequestContext) -> String {
    if let address = context.localAddress?.ipAddress, address.contains(":"), let port = context.localAddress?.port {
      return "http://[\(address)]:\(port)"
    }
    return configuration.advertisedURL(context.reachedAddress)
  }
}
