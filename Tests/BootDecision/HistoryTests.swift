import BootDecision
import DHCP
import NetworkAddress
import Testing

@Suite("The history of boots")
struct HistoryTests {
  static func facts(
    _ transactionID: UInt32, kind: ClientKind = .pxe, port: BootPort = .dhcp, mac: MACAddress = Facts.mac()
  ) -> ClientFacts {
    ClientFacts(
      mac: mac, architectures: [.x64UEFI], kind: kind, port: port, interface: "lan", transactionID: transactionID)
  }

  @Test("a new transaction after an offer counts the offer as ignored")
  func newTransactions() {
    var history = BootHistory()
    for (index, expected) in [0, 1, 2].enumerated() {
      history.request(Self.facts(UInt32(index)), now: UInt64(index) * 1000)
      #expect(history.client(Facts.mac(), now: UInt64(index) * 1000, loopWindow: 60).ignoredOffers == expected)
      history.offered(Facts.mac(), .binl)
    }
  }

  @Test("of one transaction every third repetition counts")
  func retransmissions() {
    var history = BootHistory()
    var ignored: [Int] = []
    for index in 0..<7 {
      history.request(Self.facts(1), now: UInt64(index) * 4000)
      history.offered(Facts.mac(), .binl)
      ignored.append(history.client(Facts.mac(), now: UInt64(index) * 4000, loopWindow: 60).ignoredOffers)
    }
    #expect(ignored == [0, 0, 0, 1, 1, 1, 2])
  }

  @Test("a contact ends the search, and its style is remembered")
  func contact() {
    var history = BootHistory()
    history.request(Self.facts(1), now: 0)
    history.offered(Facts.mac(), .binl)
    history.request(Self.facts(2), now: 1000)
    history.offered(Facts.mac(), .direct)
    history.request(Self.facts(3, kind: .iPXE), now: 2000)
    let client = history.client(Facts.mac(), now: 2000, loopWindow: 60)
    #expect(client == ClientHistory(ignoredOffers: 0, workingStyle: .direct))
    history.request(Self.facts(4), now: 3000)
    #expect(history.client(Facts.mac(), now: 3000, loopWindow: 60).ignoredOffers == 0)
  }

  @Test("a request at port 4011 does not end the search, a fetch after it does")
  func bootServerContact() {
    var history = BootHistory()
    history.request(Self.facts(1), now: 0)
    history.offered(Facts.mac(), .binl)
    history.request(Self.facts(1, port: .bootServer), now: 10)
    #expect(history.client(Facts.mac(), now: 10, loopWindow: 60) == ClientHistory())
    var deaf = history
    deaf.request(Self.facts(2), now: 60_000)
    #expect(deaf.client(Facts.mac(), now: 60_000, loopWindow: 60).ignoredOffers == 1)
    history.contact(Facts.mac(), .fetch, now: 20)
    history.request(Self.facts(2), now: 60_000)
    #expect(history.client(Facts.mac(), now: 60_000, loopWindow: 60) == ClientHistory(workingStyle: .binl))
  }

  @Test("HTTP boot says nothing about the styles of PXE offers")
  func httpClient() {
    var history = BootHistory()
    history.request(Self.facts(1), now: 0)
    history.offered(Facts.mac(), .binl)
    for index in UInt32(0)..<8 {
      history.request(Self.facts(100 + index, kind: .httpClient), now: 1000)
      history.request(Self.facts(100, kind: .httpClient), now: 1000)
    }
    #expect(history.client(Facts.mac(), now: 1000, loopWindow: 60).ignoredOffers == 0)
    history.request(Self.facts(2), now: 2000)
    #expect(history.client(Facts.mac(), now: 2000, loopWindow: 60).ignoredOffers == 1)
  }

  @Test("after a long pause a machine begins with the style that worked, and goes on searching where none did")
  func pause() {
    var history = BootHistory()
    history.request(Self.facts(1), now: 0)
    history.offered(Facts.mac(), .binl)
    history.request(Self.facts(2), now: 1000)
    history.offered(Facts.mac(), .direct)
    var known = history
    known.contact(Facts.mac(), .loader, now: 2000)
    known.request(Self.facts(3), now: 3000)
    known.offered(Facts.mac(), .direct)
    known.request(Self.facts(4), now: 4000)
    known.offered(Facts.mac(), .menu)
    #expect(known.client(Facts.mac(), now: 4000, loopWindow: 60).ignoredOffers == 1)
    #expect(known.client(Facts.mac(), now: 304_000, loopWindow: 60).ignoredOffers == 0)
    known.request(Self.facts(5), now: 304_000)
    #expect(
      known.client(Facts.mac(), now: 304_000, loopWindow: 60) == ClientHistory(workingStyle: .direct))
    history.request(Self.facts(3), now: 301_000)
    #expect(history.client(Facts.mac(), now: 301_000, loopWindow: 60).ignoredOffers == 2)
  }

  @Test("loader fetches count for the window and no longer")
  func loaderFetches() {
    var history = BootHistory()
    for time: UInt64 in [0, 30_000, 59_999] { history.contact(Facts.mac(), .loader, now: time) }
    history.contact(Facts.mac(), .fetch, now: 59_999)
    #expect(history.client(Facts.mac(), now: 59_999, loopWindow: 60).loaderFetches == 3)
    #expect(history.client(Facts.mac(), now: 60_000, loopWindow: 60).loaderFetches == 2)
    #expect(history.client(Facts.mac(), now: 119_999, loopWindow: 60).loaderFetches == 0)
  }

  @Test("a flood of clients pushes out the oldest, and memory stays bounded")
  func bounded() {
    var history = BootHistory(capacity: 100)
    for value in 0..<10_000 {
      let bytes: [UInt8] = [2, 0, 0, 0, UInt8(value >> 8), UInt8(value & 255)]
      guard let mac = MACAddress(bytes: bytes) else { continue }
      history.contact(mac, .loader, now: UInt64(value))
    }
    #expect(history.count == 100)
  }
}
