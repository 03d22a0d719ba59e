import Glibc

/// Asks one name server, and no other.
public struct NameServer: Sendable, Hashable, CustomStringConvertible {
  public var address: String
  public var port: UInt16
  /// The local address that questions come from; nil: that of the route.
  public var source: String?

  /// - Parameter text: an IPv4 or IPv6 address, with `:PORT` (`[ADDRESS]:PORT`) where it is not 53.
  /// - Returns: nil where it is no address.
  public init?(_ text: String) {
    var (address, port) = (text, "53")
    if text.hasPrefix("["), let end = text.lastIndex(of: "]") {
      address = String(text[text.index(after: text.startIndex)..<end])
      let rest = text[text.index(after: end)...]
      if !rest.isEmpty { port = rest.hasPrefix(":") ? String(rest.dropFirst()) : "" }
    } else if text.count(where: { $0 == ":" }) == 1, let colon = text.firstIndex(of: ":") {
      (address, port) = (String(text[..<colon]), String(text[text.index(after: colon)...]))
    }
    guard let number = UInt16(port), number > 0, SocketAddress(address, port: number) != nil else { return nil }
    (self.address, self.port) = (address, number)
  }

  public var description: String {
    port == 53 ? address : address.contains(":") ? "[\(address)]:\(port)" : "\(address):\(port)"
  }

  /// - Returns: nil where no answer comes in time, three times.
  func ask(_ name: String, _ kind: NameQuestion.Kind, timeout: Duration) async throws(NodeWorkError)
    -> NameQuestion.Answer?
  {
    let question = NameQuestion(identifier: .random(in: 1...UInt16.max), name: name, kind: kind)
    guard let bytes = question.encoded() else {
      throw NodeWorkError(
        .configuration, "'\(name)' is no name", advice: "correct the stack's host or the zone's domain")
    }
    guard let target = SocketAddress(address, port: port) else { return nil }
    let descriptor = socket(
      target.family, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else {
      throw NodeWorkError(.command, "can not ask \(self): \(String(cString: strerror(errno)))")
    }
    defer { close(descriptor) }
    if let source, let local = SocketAddress(source, port: 0), !local.use({ bind(descriptor, $0, $1) == 0 }) {
      throw NodeWorkError(
        .configuration, "\(source) is no address of this machine", advice: "give another one with --source")
    }
    // Where nothing can reach the server, that is the same as no answer.
    guard target.use({ connect(descriptor, $0, $1) == 0 }) else { return nil }
    for _ in 0..<3 {
      _ = bytes.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, 0) }
      let end = ContinuousClock.now + timeout
      while ContinuousClock.now < end {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
        if count > 0 {
          // What does not fit the question is somebody else's.
          if let answer = question.answer(in: Array(buffer[..<count])) { return answer }
          continue
        }
        if count < 0, errno == ECONNREFUSED { return nil }
        do { try await Task.sleep(for: .milliseconds(10)) } catch { return nil }
      }
    }
    return nil
  }

  /// The name servers of this machine.
  public static func ofThisMachine(resolver: String = "/etc/resolv.conf") throws(NodeWorkError) -> [NameServer] {
    let bytes = try DurableFile.bytes(of: resolver) ?? []
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap { line in
      let words = line.split(whereSeparator: \.isWhitespace)
      return words.count >= 2 && words[0] == "nameserver" ? NameServer(String(words[1])) : nil
    }
  }
}

/// A numeric address as the kernel takes it.
struct SocketAddress {
  let family: Int32
  private let storage: sockaddr_storage
  private let length: socklen_t

  init?(_ text: String, port: UInt16) {
    var storage = sockaddr_storage()
    var four = sockaddr_in()
    var six = sockaddr_in6()
    if inet_pton(AF_INET, text, &four.sin_addr) == 1 {
      (four.sin_family, four.sin_port) = (sa_family_t(AF_INET), port.bigEndian)
      withUnsafeMutableBytes(of: &storage) { all in withUnsafeBytes(of: &four) { all.copyMemory(from: $0) } }
      (family, length) = (AF_INET, socklen_t(MemoryLayout<sockaddr_in>.size))
    } else if inet_pton(AF_INET6, text, &six.sin6_addr) == 1 {
      (six.sin6_family, six.sin6_port) = (sa_family_t(AF_INET6), port.bigEndian)
      withUnsafeMutableBytes(of: &storage) { all in withUnsafeBytes(of: &six) { all.copyMemory(from: $0) } }
      (family, length) = (AF_INET6, socklen_t(MemoryLayout<sockaddr_in6>.size))
    } else {
      return nil
    }
    self.storage = storage
  }

  func use(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Bool) -> Bool {
    withUnsafeBytes(of: storage) { bytes in
      guard let base = bytes.baseAddress else { return false }
      return body(base.assumingMemoryBound(to: sockaddr.self), length)
    }
  }

  /// The one spelling of an address, to compare it.
  static func canonical(_ text: String) -> String? {
    var four = in_addr()
    if inet_pton(AF_INET, text, &four) == 1 {
      return withUnsafeBytes(of: &four) { $0.map { "\($0)" }.joined(separator: ".") }
    }
    var six = in6_addr()
    guard inet_pton(AF_INET6, text, &six) == 1 else { return nil }
    return withUnsafeBytes(of: &six) { IPv6Text.text(Array($0)) }
  }
}
