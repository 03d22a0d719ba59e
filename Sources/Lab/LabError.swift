/// What keeps a lab from working, with what to do about it.
public enum LabError: Error, Sendable, CustomStringConvertible {
  /// A tool ended with a code other than 0.
  case toolFailed(command: String, status: String, output: String)
  /// A long-running program ended although the lab still needs it.
  case ended(program: String, status: String, log: String)
  /// Something did not come within its limit. `tail` is the end of what was seen instead.
  case notSeen(what: String, seconds: Int, tail: String)
  /// A file that the lab needs is not there.
  case missing(path: String, advice: String)
  /// An answer of the appliance that does not have the expected form.
  case unexpectedAnswer(command: String, output: String)

  public var description: String {
    switch self {
    case .toolFailed(let command, let status, let output): "\(command): \(status)\n\(output)"
    case .ended(let program, let status, let log): "\(program) ended (\(status)); its log:\n\(log)"
    case .notSeen(let what, let seconds, let tail):
      "\(what) did not come within \(seconds) s; the last that was seen:\n\(tail)"
    case .missing(let path, let advice): "\(path) is missing: \(advice)"
    case .unexpectedAnswer(let command, let output): "\(command) answered in an unexpected form:\n\(output)"
    }
  }
}
