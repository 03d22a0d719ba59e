/// A value that must not be written into a script.
public enum IPXEValueError: Error, Equatable, Sendable, CustomStringConvertible {
  /// `position` counts bytes from 0.
  case forbiddenCharacter(what: String, position: Int)
  case empty(what: String)
  case tooLong(what: String, length: Int, limit: Int)
  case invalidURL(String, reason: String)
  case invalidAddress(String, reason: String)
  /// All arguments together, in bytes.
  case tooManyArguments(length: Int, limit: Int)
  case unknownPlaceholder(String)

  public var description: String {
    switch self {
    case .forbiddenCharacter(let what, let position):
      "\(what) has a character at byte \(position) that a boot script can not carry; use letters, digits and . _ - /"
    case .empty(let what): "\(what) is empty"
    case .tooLong(let what, let length, let limit): "\(what) has \(length) bytes, at most \(limit) fit"
    case .invalidURL(let text, let reason):
      "'\(text.filter { $0.isASCII && !$0.isNewline }.prefix(100))' is no address of an appliance: \(reason); "
        + "write it like http://192.0.2.10:8080"
    case .invalidAddress(let text, let reason):
      "'\(text.filter { $0.isASCII && !$0.isNewline }.prefix(100))' can not be used: \(reason)"
    case .tooManyArguments(let length, let limit):
      "the kernel's arguments have \(length) bytes together, at most \(limit) fit"
    case .unknownPlaceholder(let name): "the script has a placeholder '\(name)' without a value"
    }
  }
}
