import Hummingbird
import NetworkAddress
import NIOCore

/// What the routes know of the connection that a request came on.
struct BootRequestContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  let channel: any Channel
  let remoteAddress: SocketAddress?
  let localAddress: SocketAddress?

  init(source: ApplicationRequestContextSource) {
    coreContext = .init(source: source)
    channel = source.channel
    remoteAddress = source.channel.remoteAddress
    localAddress = source.channel.localAddress
  }

  /// The appliance's address that the client reached, which is the one that it can reach again.
  var reachedAddress: IPv4Address? { localAddress?.ipAddress.flatMap { try? IPv4Address($0) } }
}
