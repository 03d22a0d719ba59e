import BinaryCache
import NixFormats

/// Why a closure could not be installed.
public enum ClosureError: Error, Hashable, Sendable, CustomStringConvertible {
  case missing(StorePath, referrer: StorePath?)
  case untrusted(StorePath, keys: [String])
  case invalid(StorePath, reason: String)
  /// What was received twice is not what the narinfo says.
  case damaged(StorePath, reason: String)
  case unreachable(StorePath, attempts: Int, reason: String)
  case tooManyPaths(limit: Int)
  /// In bytes.
  case noSpace(path: String, needed: UInt64, free: UInt64)
  case system(SystemCallError)
  case unsafeTarget(String)
  case database(reason: String)
  case cancelled

  public var description: String {
    switch self {
    case .missing(let path, let referrer):
      "the cache does not have \(path)" + (referrer.map { ", to which \($0) refers" } ?? "")
        + "; import the closure on the appliance again"
    case .untrusted(let path, let keys):
      "\(path) has no right signature by \(keys.joined(separator: ", ")); nothing of it was fetched"
    case .invalid(let path, let reason): "\(path): the cache's narinfo can not be used: \(reason)"
    case .damaged(let path, let reason): "\(path) was received damaged, twice: \(reason)"
    case .unreachable(let path, let attempts, let reason):
      "\(path) could not be fetched, tried \(attempts) times: \(reason); run it again, it goes on where it stopped"
    case .tooManyPaths(let limit): "the closure has more than \(limit) paths"
    case .noSpace(let path, let needed, let free):
      "the closure needs \(needed) bytes more in \(path), which has \(free) left; give the system more of the disk"
    case .system(let error): error.description
    case .unsafeTarget(let path): "\(path) can not be the target: it is the running system, or no absolute path"
    case .database(let reason): "nix-store --load-db in the installed system failed: \(reason)"
    case .cancelled: "the installation of the closure was stopped; run it again, it goes on where it stopped"
    }
  }

  init(_ error: any Error, of path: StorePath) {
    switch error {
    case let error as ClosureError: self = error
    case let error as SystemCallError: self = .system(error)
    case is CancellationError: self = .cancelled
    default: self = .invalid(path, reason: "\(error)")
    }
  }
}

func closureCall<Value: ~Copyable>(_ body: () throws(SystemCallError) -> Value) throws(ClosureError) -> Value {
  do { return try body() } catch { throw .system(error) }
}
