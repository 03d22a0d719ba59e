/// Why a machine's SSH server is not trusted.
public enum HostKeyError: Error, Equatable, Sendable, CustomStringConvertible {
  case none(name: String)
  /// Not the one that the operator gave.
  case notExpected(name: String, expected: String, found: String)
  /// Not the one that was confirmed before.
  case changed(name: String, expected: String, found: String)
  case notWritten(path: String)

  public var description: String {
    switch self {
    case .none(let name): "\(name) shows no host key: is that an SSH server?"
    case .notExpected(let name, let expected, let found):
      "the host key of \(name) is not the expected one: expected \(expected), found \(found)"
    case .changed(let name, let expected, let found):
      "the host key of \(name) has changed: expected \(expected), found \(found). Another machine may be answering in its place. If it was set up anew, take its line out of known_hosts in the data directory and give the new fingerprint with --host-key"
    case .notWritten(let path): "\(path) can not be written: name another file with --known-hosts"
    }
  }
}
