/// The lease that the lab's foreign DHCP server gives.
public struct LabDHCP: Sendable, Hashable {
  /// Last bytes of the addresses in 10.77.0.0/24.
  public var addresses: ClosedRange<Int>
  /// dnsmasq gives nothing under 120.
  public var leaseSeconds: Int
  /// Between a DISCOVER and its OFFER.
  public var replyDelaySeconds: Int

  public init(addresses: ClosedRange<Int> = 100...200, leaseSeconds: Int = 3600, replyDelaySeconds: Int = 0) {
    self.addresses = addresses
    self.leaseSeconds = leaseSeconds
    self.replyDelaySeconds = replyDelaySeconds
  }

  var arguments: [String] {
    [
      "--dhcp-range=10.77.0.\(addresses.lowerBound),10.77.0.\(addresses.upperBound),255.255.255.0,\(leaseSeconds)"
    ] + (replyDelaySeconds > 0 ? ["--dhcp-reply-delay=\(replyDelaySeconds)"] : [])
  }
}
