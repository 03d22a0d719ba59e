import NIOCore

#if canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Linux socket options that NIO has no name for.
enum SocketOptions {
  /// SO_BINDTODEVICE: the socket hears and speaks on this interface only.
  static func bind(_ channel: any Channel, toDevice name: String) -> EventLoopFuture<Void> {
    guard let provider = channel as? any SocketOptionProvider else {
      return channel.eventLoop.makeSucceededVoidFuture()
    }
    // An interface's name has at most 15 bytes and a NUL (IFNAMSIZ).
    let value = Array(name.utf8.prefix(15)) + [UInt8](repeating: 0, count: max(1, 16 - name.utf8.count))
    let words = (word(value[0..<8]), word(value[8..<16]))
    return provider.unsafeSetSocketOption(
      level: NIOBSDSocket.OptionLevel(rawValue: SOL_SOCKET), name: NIOBSDSocket.Option(rawValue: SO_BINDTODEVICE),
      value: words)
  }

  private static func word(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    UInt64(littleEndian: bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) })
  }

  /// Room for a thousand machines that are switched on at once. Above the system's limit (net.core.rmem_max) only
  /// with CAP_NET_ADMIN; what can not be had is done without.
  static func enlargeReceiveBuffer(_ channel: any Channel) -> EventLoopFuture<Void> {
    guard let provider = channel as? any SocketOptionProvider else {
      return channel.eventLoop.makeSucceededVoidFuture()
    }
    let size: CInt = 4 << 20
    let level = NIOBSDSocket.OptionLevel(rawValue: SOL_SOCKET)
    return provider.unsafeSetSocketOption(
      level: level, name: NIOBSDSocket.Option(rawValue: SO_RCVBUFFORCE), value: size
    ).flatMapError { _ in
      provider.unsafeSetSocketOption(level: level, name: NIOBSDSocket.Option(rawValue: SO_RCVBUF), value: size)
    }.flatMapError { _ in channel.eventLoop.makeSucceededVoidFuture() }
  }
}
