import AgentProtocol
import HTTPConnection

/// Why a conversation with the appliance failed.
public enum LinkError: Error, Sendable, CustomStringConvertible {
  case network(HTTPClientError)
  /// The answer is not the appliance's: it was changed on its way, or somebody else gave it.
  case forged(SignatureError)
  case refused(AgentRefusal)
  case malformed(MessageCoder.Failure)
  case unexpectedStatus(Int)
  /// The agent's own keys or state do not allow the request.
  case notSigned(SignatureError)

  public var description: String {
    switch self {
    case .network(let error): "\(error)"
    case .forged(let error): "the answer did not come from the appliance: \(error)"
    case .refused(let refusal): "\(refusal)"
    case .malformed(let error): "the answer of the appliance can not be read: \(error)"
    case .unexpectedStatus(let status): "the appliance answered with status \(status)"
    case .notSigned(let error): "\(error)"
    }
  }

  /// The same request may succeed later.
  var isPassing: Bool {
    switch self {
    case .network, .forged, .unexpectedStatus: true
    case .refused(let refusal): refusal.code == .unavailable
    case .malformed, .notSigned: false
    }
  }
}
