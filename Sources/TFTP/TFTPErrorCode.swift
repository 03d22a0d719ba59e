/// The code of an ERROR packet (RFC 1350 appendix I, RFC 2347 section 7).
public struct TFTPErrorCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  public let rawValue: UInt16

  public init(rawValue: UInt16) { self.rawValue = rawValue }

  public static let notDefined = TFTPErrorCode(rawValue: 0)
  public static let fileNotFound = TFTPErrorCode(rawValue: 1)
  public static let accessViolation = TFTPErrorCode(rawValue: 2)
  public static let diskFull = TFTPErrorCode(rawValue: 3)
  public static let illegalOperation = TFTPErrorCode(rawValue: 4)
  public static let unknownTransferID = TFTPErrorCode(rawValue: 5)
  public static let fileExists = TFTPErrorCode(rawValue: 6)
  public static let noSuchUser = TFTPErrorCode(rawValue: 7)
  public static let optionRefused = TFTPErrorCode(rawValue: 8)

  public var description: String {
    switch self {
    case .notDefined: "not defined (0)"
    case .fileNotFound: "file not found (1)"
    case .accessViolation: "access violation (2)"
    case .diskFull: "disk full (3)"
    case .illegalOperation: "illegal operation (4)"
    case .unknownTransferID: "unknown transfer ID (5)"
    case .fileExists: "file exists (6)"
    case .noSuchUser: "no such user (7)"
    case .optionRefused: "option refused (8)"
    default: "code \(rawValue)"
    }
  }
}
