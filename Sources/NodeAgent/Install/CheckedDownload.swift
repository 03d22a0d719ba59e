import Crypto
import HTTPConnection
import NodeFiles

/// Gets a file of the appliance into memory, and takes it only where it is what a signed message says.
struct CheckedDownload: Sendable {
  let client: HTTPClient

  enum Failure: Error, Sendable, Equatable {
    case notServed(status: Int)
    /// SHA-256, hexadecimal, of what came.
    case changed(found: String)
  }

  /// - Parameters:
  ///   - size: in bytes.
  ///   - digest: SHA-256, hexadecimal.
  /// - Throws: ``Failure``, ``HTTPClientError``, ``FileError``.
  func fetch(path: String, size: Int, digest: String, into memory: borrowing KernelLoader.MemoryFile) async throws {
    let answer = try await client.send(ClientRequest(path: path))
    guard answer.status == 200 else { throw Failure.notServed(status: answer.status) }
    var hash = SHA256()
    var count = 0
    for try await part in answer.body {
      count += part.count
      guard count <= size else { break }
      hash.update(data: part)
      try memory.append(part)
    }
    let found = hash.finalize().map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    guard count == size, found == digest else { throw Failure.changed(found: found) }
  }
}
