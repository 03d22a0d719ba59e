import DHCP
import NetworkAddress

/// UEFI HTTP boot as EDK2's HttpBootDxe does it (HttpBootDhcp4.c).
final class EDK2HTTPClient: PXEFirmware {
  var architecture: UInt16 = 0x10
  /// PcdAllowHttpConnections is false by default.
  var allowsPlainHTTP = true
  private var uri = ""

  override func requestTemplate() -> DHCPMessage {
    var message = super.requestTemplate()
    message.setHardwareAddress(mac)
    message.flags = DHCPMessage.broadcastFlag
    message.options[.maximumMessageSize] = [0x05, 0xC0]
    message.options[.parameterRequestList] = [1, 2, 3, 6, 43, 54, 60, 66, 67, 97]
    message.options[.clientNetworkInterface] = [1, 3, 0]
    message.options[.clientArchitecture] = [UInt8(architecture >> 8), UInt8(architecture & 255)]
    message.options[.vendorClass] = Array("HTTPClient:Arch:000\(architecture):UNDI:003000".utf8)
    return message
  }

  override func accepts(_ offer: DHCPMessage, length: Int) -> Bool {
    length <= 1472 && (offer.serverIdentifier ?? .any) != .any
  }

  /// A proxy's URI with a host name is used only where the DHCP server names a DNS server.
  override func choose() -> DHCPMessage? {
    let dhcp = offers.filter { !$0.isProxy }
    let proxies = offers.filter { $0.isProxy && $0.vendorClass?.isHTTP == true && $0.bootFileName.hasPrefix("http://") }
    let hasDNS: (DHCPMessage) -> Bool = { $0.options[DHCPOptionCode(rawValue: 6)] != nil }
    if let own = dhcp.first(where: { $0.vendorClass?.isHTTP == true && Self.isLiteral($0.bootFileName) }) {
      uri = own.bootFileName
      return own
    }
    for literal in [true, false] {
      guard let proxy = proxies.first(where: { Self.isLiteral($0.bootFileName) == literal }),
        let offer = literal ? dhcp.first : dhcp.first(where: hasDNS)
      else { continue }
      uri = proxy.bootFileName
      return offer
    }
    return nil
  }

  private static func isLiteral(_ uri: String) -> Bool {
    let host = uri.dropFirst("http://".count).prefix { $0 != ":" && $0 != "/" }
    return (try? IPv4Address(String(host))) != nil
  }

  override func leased() {
    guard allowsPlainHTTP else { return finish(.gaveUp(.cancelled)) }
    let uri = uri
    fetch(uri) { [weak self] isThere in
      guard let self else { return }
      let server = try? IPv4Address(String(uri.dropFirst("http://".count).prefix { $0 != ":" && $0 != "/" }))
      guard isThere, let server, let name = uri.split(separator: "/").last else {
        return finish(.gaveUp(.networkError))
      }
      finish(.loaded(String(name), from: server))
    }
  }
}
