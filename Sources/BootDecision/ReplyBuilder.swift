import DHCP
import NetworkAddress

/// Makes the DHCP reply that carries a decision.
public enum ReplyBuilder {
  /// EDK2 drops what is longer, whatever it says in option 57 (PXEBC_DHCP4_PACKET_MAX_SIZE).
  private static let largestReply = 1472
  private static let headersOfIPAndUDP = 28

  /// The reply's UDP payload; nil where the decision is silence.
  public static func bytes(for request: DHCPMessage, _ decision: BootDecision) throws(DHCPError) -> [UInt8]? {
    guard var reply = try message(for: request, decision) else { return nil }
    let limit = limit(for: request)
    do throws(DHCPError) {
      return try reply.serialised(maximumLength: limit)
    } catch .messageTooLong {
      // A long option 61 or 82 of the request has to fit as well. 61 is a courtesy of RFC 6842; 67 repeats the header.
      reply.options[.clientIdentifier] = nil
      reply.options[.bootFile] = nil
      return try reply.serialised(maximumLength: limit)
    }
  }

  private static func limit(for request: DHCPMessage) -> Int {
    guard let size = request.maximumMessageSize else { return DHCPMessage.defaultMaximumLength }
    return min(max(Int(size) - headersOfIPAndUDP, DHCPMessage.defaultMaximumLength), largestReply)
  }

  /// The reply; nil where the decision is silence.
  public static func message(for request: DHCPMessage, _ decision: BootDecision) throws(DHCPError) -> DHCPMessage? {
    guard decision.verdict != .silent, let server = decision.serverAddress else { return nil }
    let bootFile = Array((decision.bootFile ?? "").utf8)
    // The field needs its NUL: U-Boot reads nothing but the header.
    guard bootFile.count <= 127 else {
      throw .fieldTooLong(field: "the boot file", length: bootFile.count, limit: 127)
    }

    var reply = DHCPMessage(operation: .reply, transactionID: request.transactionID)
    reply.hardwareType = request.hardwareType
    reply.hardwareAddressLength = request.hardwareAddressLength
    reply.hardwareAddressField = request.hardwareAddressField
    reply.relayAddress = request.relayAddress
    reply.nextServerAddress = server
    reply.serverName = Array(server.description.utf8)
    reply.bootFile = bootFile
    let isHTTP = request.vendorClass?.isHTTP ?? false
    let bootItem = bootItem(of: request)

    if decision.verdict == .offer {
      reply.messageType = .offer
      // yiaddr is zero, so nothing but a broadcast reaches the client; relays look at the flag (pdhcp issue 3).
      reply.flags = request.flags | DHCPMessage.broadcastFlag
    } else {
      reply.messageType = .acknowledgement
      reply.flags = request.flags
      // dnsmasq moves the address over where a menu's server was chosen.
      if bootItem != nil {
        reply.yourAddress = request.clientAddress
      } else {
        reply.clientAddress = request.clientAddress
      }
    }

    // EDK2 drops a reply without option 54 and never says so (Dhcp4Io.c, DhcpHandleSelect).
    reply.serverIdentifier = server
    reply.options[.vendorClass] = (isHTTP ? VendorClass.httpClient : .pxeClient).bytes
    if let vendorOptions = vendorOptions(decision, server: server, bootItem: bootItem) {
      reply.options[.vendorSpecific] = try vendorOptions.serialised()
    }
    if isHTTP, !bootFile.isEmpty {
      // EDK2 writes a NUL over the byte behind an unterminated option 67.
      reply.options[.bootFile] = bootFile + [0]
    }
    reply.options[.clientIdentifier] = request.clientIdentifier
    // EDK2 drops a whole packet for one option of a wrong length, so only a well-formed UUID is given back.
    if let identifier = request.options[.machineIdentifier], identifier.count == 17 {
      reply.options[.machineIdentifier] = identifier
    }
    if let relay = request.relayAgentInformation, !relay.isEmpty { reply.options[.relayAgentInformation] = relay }
    return reply
  }

  private static func bootItem(of request: DHCPMessage) -> PXEVendorOptions.BootItem? {
    request.options[.vendorSpecific].flatMap { try? PXEVendorOptions($0) }?.bootItem
  }

  private static func vendorOptions(
    _ decision: BootDecision, server: IPv4Address, bootItem: PXEVendorOptions.BootItem?
  ) -> PXEVendorOptions? {
    if decision.verdict == .acknowledge {
      guard let bootItem else { return nil }
      var options = PXEVendorOptions()
      options.bootItem = bootItem
      return options
    }
    return decision.style.flatMap { PXEMenu.vendorOptions($0, server: server) }
  }
}
