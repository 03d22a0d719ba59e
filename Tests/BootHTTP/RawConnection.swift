import Foundation

/// A blocking connection whose every byte the test chooses. Used away from the threads that serve: ``raw(_:_:)``.
final class RawConnection {
  struct Answer: Sendable {
    var status: Int
    /// As they came.
    var lines: [String]
    var body: [UInt8]

    /// The values of a header.
    func values(_ name: String) -> [String] {
      lines.compactMap { line in
        guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == name else { return nil }
        return line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
      }
    }

    var text: String { String(decoding: body, as: UTF8.self) }
  }

  struct Broken: Error, CustomStringConvertible { var description: String }

  private let descriptor: Int32
  private var pending: [UInt8] = []

  init(port: Int) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    // Nothing here takes this long; a server that stays silent shall not stop all tests.
    var limit = timeval(tv_sec: 120, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard descriptor >= 0, result == 0 else { throw Broken(description: "connect: \(errno)") }
  }

  deinit { close(descriptor) }

  func write(_ text: String) { write(Array(text.utf8)) }

  /// Stops at the first byte that the other side does not take.
  func write(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }

  /// Empty at the end of the connection.
  func read(upTo count: Int = 65_536) -> [UInt8] {
    if !pending.isEmpty {
      defer { pending = [] }
      return pending
    }
    var buffer = [UInt8](repeating: 0, count: count)
    let length = recv(descriptor, &buffer, count, 0)
    return length > 0 ? Array(buffer[..<length]) : []
  }

  /// Reads one answer, as long as its Content-Length says.
  func answer(hasBody: Bool = true) throws -> Answer {
    var bytes: [UInt8] = []
    let end = Array("\r\n\r\n".utf8)
    var position: Int?
    while position == nil {
      let more = read()
      guard !more.isEmpty else {
        throw Broken(description: "the connection ended: \(String(decoding: bytes, as: UTF8.self))")
      }
      bytes += more
      position = bytes.indices.dropLast(3).first { Array(bytes[$0..<$0 + 4]) == end }
    }
    let head = String(decoding: bytes[..<(position ?? 0)], as: UTF8.self).components(separatedBy: "\r\n")
    let status = Int(head[0].split(separator: " ").dropFirst().first ?? "") ?? 0
    var answer = Answer(status: status, lines: Array(head.dropFirst()), body: Array(bytes[((position ?? 0) + 4)...]))
    let length = hasBody && status != 304 && status != 204 ? Int(answer.values("content-length").first ?? "0") ?? 0 : 0
    while answer.body.count < length {
      let more = read()
      guard !more.isEmpty else { throw Broken(description: "the body ended after \(answer.body.count) of \(length)") }
      answer.body += more
    }
    pending = Array(answer.body[length...])
    answer.body.removeSubrange(length...)
    return answer
  }

  func get(_ path: String, _ headers: [String] = [], method: String = "GET") throws -> Answer {
    write(([("\(method) \(path) HTTP/1.1"), "Host: appliance"] + headers).joined(separator: "\r\n") + "\r\n\r\n")
    return try answer(hasBody: method != "HEAD")
  }
}

/// Runs blocking work on a thread of its own.
func raw<Value: Sendable>(_ port: Int, _ work: @escaping @Sendable (RawConnection) throws -> Value) async throws
  -> Value
{
  try await withCheckedThrowingContinuation { continuation in
    Thread.detachNewThread {
      continuation.resume(with: Result { try work(RawConnection(port: port)) })
    }
  }
}
