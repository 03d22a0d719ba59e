import AgentProtocol
import HTTPConnection

/// The conversation of the old system's agent with the appliance: requests prove the token, answers are checked against
/// the appliance's key.
actor TakeoverLink {
  private let client: HTTPClient
  private let token: TakeoverToken
  private var number = 0

  init(client: HTTPClient, token: TakeoverToken) {
    self.client = client
    self.token = token
  }

  func begin(_ begin: TakeoverBegin) async throws -> TakeoverGrant {
    try MessageCoder.decode(TakeoverGrant.self, from: await exchange(TakeoverPath.begin, MessageCoder.encode(begin)))
  }

  func tell(_ stage: TakeoverStep.Stage, _ text: String) async throws {
    number += 1
    _ = try await exchange(
      TakeoverPath.step, MessageCoder.encode(TakeoverStep(number: number, stage: stage, text: text)))
  }

  private func exchange(_ path: String, _ body: [UInt8]) async throws -> [UInt8] {
    let request = SignedRequest.unsigned(method: "POST", path: path, body: body)
    let answer = try await client.collect(
      ClientRequest(
        method: "POST", path: path,
        headers: [
          ("content-type", "application/json"), (TakeoverProof.Header.token, token.identifier),
          (TakeoverProof.Header.proof, TakeoverProof.make(key: token.proofKey, path: path, body: body)),
        ], body: .bytes(body)), limit: MessageCoder.limit)
    do {
      try SignedResponse(status: answer.status, body: answer.body) { answer.headers[$0] }
        .verify(answering: request, by: token.appliance)
    } catch { throw LinkError.forged(error) }
    guard answer.status >= 400 else { return answer.body }
    guard let refusal = try? MessageCoder.decode(AgentRefusal.self, from: answer.body) else {
      throw LinkError.unexpectedStatus(answer.status)
    }
    throw LinkError.refused(refusal)
  }
}
