/// Why a boot image or loader could not be stored or read.
public enum ImageError: Error, Equatable, CustomStringConvertible {
  case unreadable(String)
  case invalidName(String)
  case notAnImage(path: String, reason: String)
  case failed(String)

  public var description: String {
    switch self {
    case .unreadable(let path): "\(path) can not be read: check the path and its permissions"
    case .invalidName(let name):
      "'\(name.prefix(80))' can not be a name: use 1 to 63 of a-z, A-Z, 0-9, '.', '_' and '-', not starting with a dot"
    case .notAnImage(let path, let reason): "\(path): \(reason)"
    case .failed(let reason): reason
    }
  }
}
