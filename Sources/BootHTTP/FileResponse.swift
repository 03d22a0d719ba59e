import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import NIOPosix

/// An immutable file and what HTTP says of it.
struct ServedFile: Sendable {
  let path: String
  let contentType: String
  /// A strong validator: the content's digest where it is known.
  let entityTag: String
}

/// Answers GET and HEAD for one file: single ranges, `If-None-Match`, exact length, memory that does not grow with the
/// file.
func fileResponse(_ file: ServedFile, to request: Request, context: BootRequestContext) async throws -> Response {
  guard let open = OpenFile(path: file.path) else { throw HTTPError(.notFound) }
  let size = open.size
  var headers: HTTPFields = [
    .contentType: file.contentType, .acceptRanges: "bytes", .eTag: "\"\(file.entityTag)\"",
  ]
  if let known = request.headers[.ifNoneMatch], known == "*" || known.contains("\"\(file.entityTag)\"") {
    return Response(status: .notModified, headers: headers)
  }
  let ranged = ByteRange.parse(
    request.headers[.range], size: size, ifRange: request.headers[.ifRange], tag: file.entityTag)
  let range: Range<Int>
  let status: HTTPResponse.Status
  switch ranged {
  case .whole: (range, status) = (0..<size, .ok)
  case .part(let part):
    (range, status) = (part, .partialContent)
    headers[.contentRange] = "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(size)"
  case .unsatisfiable:
    headers[.contentRange] = "bytes */\(size)"
    return Response(status: .rangeNotSatisfiable, headers: headers)
  }
  if request.method == .head {
    headers[.contentLength] = String(range.count)
    return Response(status: status, headers: headers)
  }
  let channel = context.channel
  let body = ResponseBody(contentLength: range.count) { writer in
    // In pieces, each of which counts as a sign of life of the connection; the next one is queued before the last one
    // is out, so that the kernel never waits for it.
    var queued: EventLoopFuture<Void>?
    for start in stride(from: range.lowerBound, to: range.upperBound, by: pieceSize) {
      let region = FileRegion(
        fileHandle: open.handle, readerIndex: start, endIndex: min(start + pieceSize, range.upperBound))
      let sent = channel.eventLoop.makePromise(of: Void.self)
      channel.triggerUserOutboundEvent(SendFileRegion(region: region), promise: sent)
      try await queued?.get()
      queued = sent.futureResult
    }
    try await queued?.get()
    try await writer.finish(nil)
  }
  return Response(status: status, headers: headers, body: body)
}

/// Bytes that are handed to the kernel at once.
private let pieceSize = 2 << 20

/// Closes the file when the last response that reads it is gone.
private final class OpenFile: Sendable {
  let handle: NIOFileHandle
  /// Bytes.
  let size: Int

  init?(path: String) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: descriptor)
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      try? handle.close()
      return nil
    }
    size = Int(status.st_size)
  }

  deinit {
    // The descriptor was opened for reading only: a failing close loses nothing.
    try? handle.close()
  }
}
