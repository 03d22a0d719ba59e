import Glibc

/// One GET.
final class HTTPDownload {
  enum Failure: Error, CustomStringConvertible {
    case unexpectedAnswer(String)
    case closedEarly(missing: Int)

    var description: String {
      switch self {
      case .unexpectedAnswer(let text): "not a 200 with a length: \(text)"
      case .closedEarly(let missing): "the server closed the connection, \(missing) bytes are missing"
      }
    }
  }

  let descriptor: Int32
  private var head: [UInt8] = []
  private var remaining: Int?
  private(set) var bytes = 0
  var isDone: Bool { remaining == 0 }

  init(server: SocketAddress, host: String, path: String) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw SystemFailure("socket") }
    guard server.withSocketAddress({ connect(descriptor, $0, $1) }) == 0 else { throw SystemFailure("connect") }
    let request = Array("GET \(path) HTTP/1.1\r\nHost: \(host)\r\nUser-Agent: bootstead-bench\r\n\r\n".utf8)
    guard Glibc.send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
      throw SystemFailure("send")
    }
  }

  deinit { close(descriptor) }

  /// Reads once; to be called when something is there.
  /// - Parameter discards: lets the kernel throw the bytes away instead of copying them.
  func receive(into buffer: inout [UInt8], discards: Bool) throws {
    guard let remaining else { return try receiveHead() }
    let limit = min(remaining, buffer.count)
    let count =
      discards
      ? recv(descriptor, nil, limit, Int32(MSG_TRUNC | MSG_DONTWAIT))
      : recv(descriptor, &buffer, limit, Int32(MSG_DONTWAIT))
    if count < 0, errno == EAGAIN || errno == EINTR { return }
    guard count > 0 else { throw Failure.closedEarly(missing: remaining) }
    bytes += count
    self.remaining = remaining - count
  }

  private func receiveHead() throws {
    // Byte for byte, so that the body stays where it is.
    var byte: UInt8 = 0
    guard recv(descriptor, &byte, 1, 0) == 1 else {
      throw Failure.unexpectedAnswer(String(decoding: head, as: UTF8.self))
    }
    head.append(byte)
    guard head.count < 16_384 else { throw Failure.unexpectedAnswer("an endless head") }
    guard head.suffix(4) == [13, 10, 13, 10] else { return }
    let lines = String(decoding: head, as: UTF8.self).lowercased().split(separator: "\r\n")
    let length = lines.first { $0.hasPrefix("content-length:") }
      .flatMap { Int($0.dropFirst("content-length:".count).drop { $0 == " " }) }
    guard let length, lines[0].split(separator: " ").dropFirst().first == "200" else {
      throw Failure.unexpectedAnswer(lines.first.map(String.init) ?? "")
    }
    remaining = length
  }
}
