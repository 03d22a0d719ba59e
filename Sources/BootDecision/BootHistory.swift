import DHCP
import NetworkAddress

/// Signs that a client took up what it was offered.
public enum BootContact: String, Sendable, Codable {
  /// It asked at port 4011. Whether it makes anything of the answer shows when it fetches.
  case bootServer
  /// It fetched something that is not a loader, or iPXE spoke.
  case fetch
  /// It fetched a loader.
  case loader
}

/// What a decision knows of one client's last minutes.
public struct ClientHistory: Hashable, Sendable, Codable {
  /// Offers to plain firmware that nothing came of, since the last contact.
  public var ignoredOffers: Int
  /// The style of the last offer that was followed by a contact.
  public var workingStyle: OfferStyle?
  /// Loader fetches within the policy's loop window.
  public var loaderFetches: Int

  public init(ignoredOffers: Int = 0, workingStyle: OfferStyle? = nil, loaderFetches: Int = 0) {
    self.ignoredOffers = ignoredOffers
    self.workingStyle = workingStyle
    self.loaderFetches = loaderFetches
  }
}

/// The last minutes of many clients, in bounded memory. A value, so that decisions stay pure.
public struct BootHistory: Sendable {
  private struct Entry: Sendable {
    var lastOffer: UInt64?
    var lastTransaction: UInt32?
    var transmissions = 0
    var ignoredOffers = 0
    var offeredStyle: OfferStyle?
    var workingStyle: OfferStyle?
    /// Milliseconds; the last eight are kept.
    var loaderFetches: [UInt64] = []
  }

  /// After this pause, in milliseconds, a machine is offered the style again that worked for it once. A search that
  /// found none yet goes on: big servers take longer than that from one try to the next.
  private static let newBootAfter: UInt64 = 300_000
  /// Of one transaction, every third transmission counts as an offer that was ignored.
  private static let transmissionsPerOffer = 3

  private var entries: LeastRecentlyUsed<MACAddress, Entry>

  /// - Parameter capacity: the number of clients to remember.
  public init(capacity: Int = 16_384) { entries = LeastRecentlyUsed(capacity: capacity) }

  public var count: Int { entries.count }

  /// - Parameters:
  ///   - now: milliseconds of any clock that only goes forward, the same for all calls.
  ///   - loopWindow: seconds that loader fetches count for.
  public func client(_ mac: MACAddress, now: UInt64, loopWindow: Int) -> ClientHistory {
    guard let entry = entries.peek(mac) else { return ClientHistory() }
    let window = UInt64(max(0, loopWindow)) * 1000
    return ClientHistory(
      ignoredOffers: Self.beginsAnew(entry, now) ? 0 : entry.ignoredOffers, workingStyle: entry.workingStyle,
      loaderFetches: entry.loaderFetches.count { Self.elapsed(since: $0, now) < window })
  }

  private static func beginsAnew(_ entry: Entry, _ now: UInt64) -> Bool {
    guard entry.workingStyle != nil, let lastOffer = entry.lastOffer else { return false }
    return elapsed(since: lastOffer, now) >= newBootAfter
  }

  private static func elapsed(since then: UInt64, _ now: UInt64) -> UInt64 { now > then ? now - then : 0 }

  /// Takes note of a request before it is decided on. iPXE that speaks is a contact: the loader before it worked.
  /// HTTP boot knows no styles, and machines try it in turn with PXE: it says nothing.
  public mutating func request(_ facts: ClientFacts, now: UInt64) {
    if facts.port == .bootServer { return contact(facts.mac, .bootServer, now: now) }
    if facts.kind == .iPXE { return contact(facts.mac, .fetch, now: now) }
    if facts.kind == .httpClient { return }
    entries.update(facts.mac, default: Entry()) { entry in
      let beginsAnew = Self.beginsAnew(entry, now)
      if beginsAnew { entry.ignoredOffers = 0 }
      if !beginsAnew, entry.lastTransaction == facts.transactionID {
        entry.transmissions += 1
        if entry.transmissions > Self.transmissionsPerOffer {
          entry.transmissions = 1
          entry.ignoredOffers += 1
        }
      } else {
        if !beginsAnew, entry.offeredStyle != nil { entry.ignoredOffers += 1 }
        entry.transmissions = 1
      }
      entry.lastTransaction = facts.transactionID
      entry.lastOffer = now
    }
  }

  /// Takes note of the style that was offered.
  public mutating func offered(_ mac: MACAddress, _ style: OfferStyle) {
    entries.update(mac, default: Entry()) { $0.offeredStyle = style }
  }

  /// Takes note of a sign of life from the next stage.
  public mutating func contact(_ mac: MACAddress, _ contact: BootContact, now: UInt64) {
    entries.update(mac, default: Entry()) { entry in
      if contact == .bootServer {
        entry.transmissions = 0
        return
      }
      if let style = entry.offeredStyle { entry.workingStyle = style }
      entry.offeredStyle = nil
      entry.ignoredOffers = 0
      entry.transmissions = 0
      if contact == .loader {
        if entry.loaderFetches.count == 8 { entry.loaderFetches.removeFirst() }
        entry.loaderFetches.append(now)
      }
    }
  }
}
