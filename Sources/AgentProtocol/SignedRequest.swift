import FoundationEssentials

/// A request with what its signature covers: method, path, body, session and counter.
public struct SignedRequest: Hashable, Sendable {
  /// The names of the headers, in lower case.
  public enum Header {
    public static let session = "bootstead-session"
    public static let counter = "bootstead-counter"
    public static let signature = "bootstead-signature"
  }

  /// In upper case: `POST`.
  public let method: String
  /// As on the request line, the query included: `/agent/v1/task`.
  public let path: String
  /// SHA-256 of the body, empty or not.
  public let bodyDigest: [UInt8]
  /// Empty for the one request that can not be signed, ``AgentPath/begin``.
  public let session: SessionIdentifier?
  public let counter: UInt64
  /// 64 bytes, or none for ``AgentPath/begin``.
  public let signature: [UInt8]

  /// Signs a request: the agent's side.
  public static func sign(
    method: String, path: String, body: [UInt8], session: SessionIdentifier, counter: UInt64, key: SigningPrivateKey
  ) throws(SignatureError) -> SignedRequest {
    let unsigned = SignedRequest(
      method: method, path: path, bodyDigest: digest(body), session: session, counter: counter, signature: [])
    return SignedRequest(
      method: method, path: path, bodyDigest: unsigned.bodyDigest, session: session, counter: counter,
      signature: try key.signature(of: unsigned.payload))
  }

  /// The request that opens a claim, which nobody signs: its answer is still bound to it.
  public static func unsigned(method: String, path: String, body: [UInt8]) -> SignedRequest {
    SignedRequest(method: method, path: path, bodyDigest: digest(body), session: nil, counter: 0, signature: [])
  }

  /// Reads a request as it came: the appliance's side. It proves nothing before ``verify(by:)``.
  /// - Parameter header: gives the value of the header with that name.
  /// - Throws: ``SignatureError/missingHeader(_:)``, ``SignatureError/malformedHeader(_:)``.
  public init(method: String, path: String, body: [UInt8], header: (String) -> String?) throws(SignatureError) {
    guard let session = header(Header.session) else { throw .missingHeader(Header.session) }
    guard let counterText = header(Header.counter) else { throw .missingHeader(Header.counter) }
    guard let signatureText = header(Header.signature) else { throw .missingHeader(Header.signature) }
    guard counterText.utf8.count <= 20, counterText.utf8.allSatisfy({ (48...57).contains($0) }),
      let counter = UInt64(counterText)
    else { throw .malformedHeader(Header.counter) }
    self.init(
      method: method, path: path, bodyDigest: digest(body), session: try SessionIdentifier(session), counter: counter,
      signature: try SignedRequest.signature(header: signatureText))
  }

  private init(
    method: String, path: String, bodyDigest: [UInt8], session: SessionIdentifier?, counter: UInt64,
    signature: [UInt8]
  ) {
    self.method = method
    self.path = path
    self.bodyDigest = bodyDigest
    self.session = session
    self.counter = counter
    self.signature = signature
  }

  static func signature(header text: String) throws(SignatureError) -> [UInt8] {
    guard text.utf8.count <= 88, let data = Data(base64Encoded: text), data.count == 64 else {
      throw .malformedHeader(Header.signature)
    }
    return Array(data)
  }

  /// - Throws: ``SignatureError/wrongSignature`` unless the holder of `key` signed exactly this request.
  public func verify(by key: SigningPublicKey) throws(SignatureError) {
    guard session != nil, key.accepts(signature: signature, of: payload) else { throw .wrongSignature }
  }

  /// The headers to send.
  public var headers: [(name: String, value: String)] {
    guard let session else { return [] }
    return [
      (Header.session, session.description), (Header.counter, String(counter)),
      (Header.signature, Data(signature).base64EncodedString()),
    ]
  }

  private var payload: [UInt8] {
    var payload = SignedPayload(domain: "bootstead-request-v1")
    payload.append(method)
    payload.append(path)
    payload.append(bodyDigest)
    payload.append(counter)
    payload.append(session?.description ?? "")
    return payload.bytes
  }

  /// What an answer is bound to: an answer to one request never passes for the answer to another, in the same session
  /// or in any other.
  var identity: [UInt8] {
    var identity = SignedPayload(domain: "bootstead-answered-v1")
    identity.append(payload)
    identity.append(signature)
    return digest(identity.bytes)
  }
}
