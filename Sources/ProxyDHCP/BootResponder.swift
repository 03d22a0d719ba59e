import BootDecision
import DHCP
import Logging
import NetworkAddress
import Synchronization

/// A reply and where it goes.
public struct BootReply: Sendable, Hashable {
  public enum Destination: Sendable, Hashable {
    /// 255.255.255.255, on the interface of the request.
    case broadcast
    case relay(IPv4Address)
    /// The address and port that the request came from.
    case sender
  }

  public let bytes: [UInt8]
  public let destination: Destination
  /// Milliseconds to wait.
  public let delay: Int
}

/// From a datagram to its reply: all of the proxyDHCP server but the sockets.
public final class BootResponder: Sendable {
  private struct State {
    var policy: BootPolicy
    var links: [String: [NetworkInterface.Address]]
    var history: BootHistory
    var addresses: LeastRecentlyUsed<IPv4Address, MACAddress>
    var buckets: LeastRecentlyUsed<MACAddress, TokenBucket>
    var total: TokenBucket
    var counters = ProxyDHCPCounters()
    var warnings = WarningLimit()
    var foreignServers: [ForeignServer] = []
  }

  /// Somebody who forges offers fills no more than this.
  private static let foreignServerLimit = 32

  private let state: Mutex<State>
  private let limits: RateLimits
  private let directory: any MachineDirectory
  private let decisions: AsyncStream<BootDecisionRecord>.Continuation?
  private let clock: ProxyDHCPClock
  private let logger: Logger

  /// - Parameters:
  ///   - interfaces: the served interfaces; one without an entry in the policy's addresses uses its first address.
  ///   - decisions: gets every decision about a known machine; has to be bounded.
  public init(
    interfaces: [NetworkInterface], policy: BootPolicy, directory: any MachineDirectory,
    decisions: AsyncStream<BootDecisionRecord>.Continuation? = nil, limits: RateLimits = RateLimits(),
    rememberedClients: Int = 16_384, clock: ProxyDHCPClock = .system, logger: Logger
  ) {
    let now = clock.monotonic()
    state = Mutex(
      State(
        policy: Self.completed(policy, interfaces), links: [:],
        history: BootHistory(capacity: rememberedClients), addresses: LeastRecentlyUsed(capacity: rememberedClients),
        buckets: LeastRecentlyUsed(capacity: rememberedClients), total: TokenBucket(burst: limits.totalBurst, now: now))
    )
    self.limits = limits
    self.directory = directory
    self.decisions = decisions
    self.clock = clock
    self.logger = logger
    update(interfaces: interfaces, policy: policy)
  }

  private static func completed(_ policy: BootPolicy, _ interfaces: [NetworkInterface]) -> BootPolicy {
    var policy = policy
    for interface in interfaces where policy.addresses[interface.name] == nil {
      policy.addresses[interface.name] = interface.addresses.first?.address
    }
    return policy
  }

  /// Takes over new settings, from the next request on.
  public func update(interfaces: [NetworkInterface], policy: BootPolicy) {
    state.withLock { state in
      state.policy = Self.completed(policy, interfaces)
      state.links = Dictionary(interfaces.map { ($0.name, $0.addresses) }) { first, _ in first }
    }
  }

  public var counters: ProxyDHCPCounters { state.withLock { $0.counters } }

  /// Takes note that a machine fetched something, which ends the search for an offer style and feeds the loop guard.
  public func note(_ contact: BootContact, of mac: MACAddress) {
    let now = clock.monotonic()
    state.withLock { $0.history.contact(mac, contact, now: now) }
  }

  /// As ``note(_:of:)`` for servers that only see an address. The machine's MAC address is known from its own DHCP
  /// requests; nil where none was seen.
  @discardableResult
  public func note(_ contact: BootContact, from address: IPv4Address) -> MACAddress? {
    let now = clock.monotonic()
    return state.withLock { state in
      guard let mac = state.addresses.peek(address) else { return nil }
      state.history.contact(mac, contact, now: now)
      return mac
    }
  }

  func count(_ change: (inout ProxyDHCPCounters) -> Void) { state.withLock { change(&$0.counters) } }

  /// Answers one datagram; nil is silence.
  /// - Parameters:
  ///   - bytes: the UDP payload.
  ///   - port: which of the two ports it came to.
  ///   - interface: the name of the interface it came in on.
  ///   - source: the sender's address; 0.0.0.0 for a client without one.
  public func respond(to bytes: [UInt8], port: BootPort, interface: String, source: IPv4Address) -> BootReply? {
    let now = clock.monotonic()
    let message: DHCPMessage
    do throws(DHCPError) { message = try DHCPMessage(bytes) } catch {
      malformed(error, source: source, interface: interface, now: now)
      return nil
    }
    let facts: ClientFacts
    do throws(IgnoredRequest) { facts = try ClientFacts(message, port: port, interface: interface) } catch {
      ignored(error, message)
      return nil
    }
    guard let policy = admit(facts, source: source, now: now) else { return nil }

    let machine = directory.view(of: facts.mac, uuid: facts.uuid)
    // Unknown machines leave no trace while enrolment is closed: a flood of MAC addresses must not push out others.
    let isTracked = machine != nil || policy.enrolment != .closed
    let history = isTracked ? observe(facts, policy, now: now) : ClientHistory()
    let decision = BootDecision.decide(facts, machine: machine, policy: policy, history: history)
    let reply = reply(to: message, facts, decision)
    finish(facts, decision, replied: reply != nil)
    return reply
  }

  /// The other servers that were heard, each as in its last offer.
  public var foreignServers: [ForeignServer] { state.withLock { $0.foreignServers } }

  /// Looks at what another server broadcast to its clients; warns once of each that disturbs network boots. What came
  /// from an address of this host is our own offer, heard again, and not even parsed.
  public func observe(_ bytes: some Collection<UInt8>, from source: IPv4Address, interface: String) {
    guard !state.withLock({ $0.links[interface]?.contains { $0.address == source } ?? false }),
      let message = try? DHCPMessage(Array(bytes)),
      let server = ForeignServer(message, interface: interface)
    else { return }
    let isNews = state.withLock { state in
      guard !state.policy.addresses.values.contains(server.address) else { return false }
      if let position = state.foreignServers.firstIndex(where: { $0.address == server.address }) {
        var merged = server
        let known = state.foreignServers[position]
        // A server sends different offers to different clients: what was found once stays.
        merged.findings = ForeignServer.Finding.allCases.filter { (known.findings + server.findings).contains($0) }
        merged.bootFile = server.bootFile ?? known.bootFile
        merged.nextServer = server.nextServer ?? known.nextServer
        merged.assignsAddresses = server.assignsAddresses || known.assignsAddresses
        state.foreignServers[position] = merged
        return merged.findings != known.findings
      }
      guard state.foreignServers.count < Self.foreignServerLimit else { return false }
      state.foreignServers.append(server)
      return !server.findings.isEmpty
    }
    guard isNews else { return }
    for finding in server.findings {
      logger.warning(
        "another server disturbs network boots: \(finding.text)",
        metadata: [
          "server": "\(server.address)", "interface": "\(interface)", "file": "\(server.bootFile ?? "-")",
          "nextServer": "\(server.nextServer.map { "\($0)" } ?? "-")",
        ])
    }
  }

  private func malformed(_ error: DHCPError, source: IPv4Address, interface: String, now: UInt64) {
    let report = state.withLock { state in
      state.counters.received += 1
      state.counters.malformed += 1
      return state.warnings.pass(.malformed, now: now)
    }
    guard let report else { return }
    logger.warning(
      "dropped a datagram that is not DHCP",
      metadata: [
        "error": "\(error)", "source": "\(source)", "interface": "\(interface)", "suppressed": "\(report.suppressed)",
      ])
  }

  private func ignored(_ reason: IgnoredRequest, _ message: DHCPMessage) {
    state.withLock { state in
      state.counters.received += 1
      state.counters.ignored[reason, default: 0] += 1
      // The client's REQUEST to its DHCP server tells which address it will fetch from.
      if reason == .notADiscover, message.messageType == .request, let mac = message.macAddress {
        let address = message.requestedAddress ?? message.clientAddress
        if address != .any { state.addresses.update(address, default: mac) { $0 = mac } }
      }
    }
  }

  /// The policy to decide by; nil where the request is over a limit or from nowhere.
  private func admit(_ facts: ClientFacts, source: IPv4Address, now: UInt64) -> BootPolicy? {
    let (policy, warning) = state.withLock { state -> (BootPolicy?, WarningLimit.Report?) in
      state.counters.received += 1
      let passes =
        state.total.take(rate: limits.total, burst: limits.totalBurst, now: now)
        && state.buckets.update(facts.mac, default: TokenBucket(burst: limits.perClientBurst, now: now)) {
          $0.take(rate: limits.perClient, burst: limits.perClientBurst, now: now)
        }
      guard passes else {
        state.counters.rateLimited += 1
        return (nil, state.warnings.pass(.rateLimited, now: now))
      }
      guard Self.mayAnswer(facts, source: source, state.links[facts.interface] ?? []) else {
        state.counters.unanswerable += 1
        return (nil, state.warnings.pass(.unanswerable, now: now))
      }
      if facts.port == .bootServer, let address = facts.clientAddress {
        state.addresses.update(address, default: facts.mac) { $0 = facts.mac }
      }
      return (state.policy, nil)
    }
    if let warning {
      logger.warning(
        "dropped a boot request: \(warning.kind.text)",
        metadata: ["mac": "\(facts.mac)", "source": "\(source)", "suppressed": "\(warning.suppressed)"])
    }
    return policy
  }

  // A spoofed sender must not turn the server against hosts elsewhere. At port 67 the reply is a broadcast on the
  // link, or goes to a relay that the policy allows; at 4011 it goes to the sender.
  private static func mayAnswer(
    _ facts: ClientFacts, source: IPv4Address, _ link: [NetworkInterface.Address]
  ) -> Bool {
    let isOnLink = link.contains { $0.contains(source) } && source != .any && source != .broadcast
    return switch facts.port {
    case .dhcp: facts.relayAddress != nil || source == .any || isOnLink
    case .bootServer: isOnLink || (source.isUsableHost && source.isPrivate)
    }
  }

  private func observe(_ facts: ClientFacts, _ policy: BootPolicy, now: UInt64) -> ClientHistory {
    state.withLock { state in
      state.history.request(facts, now: now)
      return state.history.client(facts.mac, now: now, loopWindow: policy.loopWindow)
    }
  }

  private func reply(to message: DHCPMessage, _ facts: ClientFacts, _ decision: BootDecision) -> BootReply? {
    do throws(DHCPError) {
      guard let bytes = try ReplyBuilder.bytes(for: message, decision) else { return nil }
      let destination: BootReply.Destination =
        switch (facts.port, facts.relayAddress) {
        case (.bootServer, _): .sender
        case (.dhcp, let relay?): .relay(relay)
        case (.dhcp, nil): .broadcast
        }
      return BootReply(bytes: bytes, destination: destination, delay: decision.replyDelay)
    } catch {
      logger.debug("no reply fits", metadata: ["mac": "\(facts.mac)", "error": "\(error)"])
      return nil
    }
  }

  private func finish(_ facts: ClientFacts, _ decision: BootDecision, replied: Bool) {
    var isDropped = false
    // Nobody keeps those of strangers, and handing one over wakes another thread: a flood must not cost that.
    if let decisions, decision.machine != nil {
      let record = BootDecisionRecord(time: clock.wall(), client: facts, decision: decision)
      if case .dropped = decisions.yield(record) { isDropped = true }
    }
    state.withLock { state in
      if isDropped { state.counters.droppedRecords += 1 }
      switch decision.verdict {
      case .silent: state.counters.silent += 1
      case .offer where replied: state.counters.offers += 1
      case .acknowledge where replied: state.counters.acknowledgements += 1
      case .offer, .acknowledge: state.counters.unbuildable += 1
      }
      if replied, facts.kind == .pxe, facts.port == .dhcp, let style = decision.style {
        state.history.offered(facts.mac, style)
      }
    }
    guard logger.logLevel <= .debug else { return }
    logger.debug(
      "boot decision",
      metadata: [
        "mac": "\(facts.mac)", "interface": "\(facts.interface)", "port": "\(facts.port.rawValue)",
        "client": "\(facts.kind.rawValue)", "architecture": "\(facts.architectures.map(\.description))",
        "machine": "\(decision.machine ?? "-")", "verdict": "\(decision.verdict.rawValue)",
        "file": "\(decision.bootFile ?? "-")", "style": "\(decision.style?.rawValue ?? "-")",
        "reasons": "\(decision.reasons.map(\.rawValue))",
      ])
  }
}
