/// Why no boot kit was written.
public enum BootKitError: Error, Equatable, Sendable, CustomStringConvertible {
  /// Programs and files of Debian packages that this host lacks.
  case missing(what: [String], packages: [String])
  case exists(String)
  case notAFile(String)
  case unreadable(path: String, reason: String)
  case unwritable(path: String, reason: String)
  case notALoader(path: String, reason: String)
  case toolFailed(command: String, status: String, output: String)

  public var description: String {
    switch self {
    case .missing(let what, let packages):
      "this host lacks \(what.joined(separator: ", ")): "
        + "apt-get install --no-install-recommends \(packages.joined(separator: " "))"
    case .exists(let path): "\(path) exists already; --force replaces it"
    case .notAFile(let path):
      "\(path) is no plain file: write the kit to a file first, then copy that to the stick or burn it"
    case .unreadable(let path, let reason): "\(path) can not be read: \(reason)"
    case .unwritable(let path, let reason): "\(path) can not be written: \(reason)"
    case .notALoader(let path, let reason): "\(path) does not fit a boot kit: \(reason)"
    case .toolFailed(let command, let status, let output):
      "\(command) ended with \(status): \(output.split(separator: "\n").suffix(4).joined(separator: " / "))"
    }
  }
}
