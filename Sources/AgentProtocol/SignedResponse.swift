import FoundationEssentials

/// An answer of the appliance with what its signature covers: the request it answers (session and counter included),
/// the status and the body.
public struct SignedResponse: Hashable, Sendable {
  /// An HTTP status code.
  public let status: Int
  /// SHA-256 of the body, empty or not.
  public let bodyDigest: [UInt8]
  /// 64 bytes.
  public let signature: [UInt8]

  /// Signs an answer: the appliance's side.
  public static func sign(
    status: Int, body: [UInt8], answering request: SignedRequest, key: SigningPrivateKey
  ) throws(SignatureError) -> SignedResponse {
    let bodyDigest = digest(body)
    return SignedResponse(
      status: status, bodyDigest: bodyDigest,
      signature: try key.signature(of: payload(status: status, bodyDigest: bodyDigest, request: request)))
  }

  /// Reads an answer as it came: the agent's side. It proves nothing before ``verify(answering:by:)``.
  /// - Parameter header: gives the value of the header with that name.
  /// - Throws: ``SignatureError/missingHeader(_:)``, ``SignatureError/malformedHeader(_:)``.
  public init(status: Int, body: [UInt8], header: (String) -> String?) throws(SignatureError) {
    guard let text = header(SignedRequest.Header.signature) else {
      throw .missingHeader(SignedRequest.Header.signature)
    }
    self.init(
      status: status, bodyDigest: digest(body), signature: try SignedRequest.signature(header: text))
  }

  private init(status: Int, bodyDigest: [UInt8], signature: [UInt8]) {
    self.status = status
    self.bodyDigest = bodyDigest
    self.signature = signature
  }

  /// - Throws: ``SignatureError/wrongSignature`` unless the appliance with this key gave this answer to this request.
  public func verify(answering request: SignedRequest, by key: SigningPublicKey) throws(SignatureError) {
    let payload = SignedResponse.payload(status: status, bodyDigest: bodyDigest, request: request)
    guard key.accepts(signature: signature, of: payload) else { throw .wrongSignature }
  }

  /// The headers to send.
  public var headers: [(name: String, value: String)] {
    [(SignedRequest.Header.signature, Data(signature).base64EncodedString())]
  }

  private static func payload(status: Int, bodyDigest: [UInt8], request: SignedRequest) -> [UInt8] {
    var payload = SignedPayload(domain: "bootstead-response-v1")
    payload.append(request.identity)
    payload.append(UInt64(clamping: status))
    payload.append(bodyDigest)
    return payload.bytes
  }
}
