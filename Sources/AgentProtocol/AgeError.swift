/// Why an age file was not made or not opened.
public enum AgeError: Error, Equatable, Sendable, CustomStringConvertible {
  case malformedRecipient
  case malformedIdentity
  case notAnAgeFile
  case malformedHeader(String)
  case otherRecipient
  case wrongHeaderCode
  case truncated
  case damaged(chunk: UInt64)
  case sealingFailed

  public var description: String {
    switch self {
    case .malformedRecipient: "this is not an age X25519 recipient; it looks like age1…"
    case .malformedIdentity: "this is not an age X25519 identity; it looks like AGE-SECRET-KEY-1…"
    case .notAnAgeFile: "the file does not begin with 'age-encryption.org/v1'"
    case .malformedHeader(let reason): "the age header can not be read: \(reason)"
    case .otherRecipient: "the age file is not sealed to this key"
    case .wrongHeaderCode: "the age header was changed after it was written"
    case .truncated: "the age file ends too early"
    case .damaged(let chunk): "chunk \(chunk) of the age file was changed after it was written"
    case .sealingFailed: "the data could not be sealed to this recipient"
    }
  }
}
