import NodeAgent
import Testing

@Suite("The network that is handed over")
struct HandoverPlanTests {
  private func link(_ index: Int32, _ name: String, mac: UInt8 = 0, kind: String? = nil) -> LinkRecord {
    var link = LinkRecord(index: index, name: name, hardwareType: 1, isUp: true, isLoopback: false)
    link.mac = [0x52, 0x54, 0, 0, 0, mac]
    link.mtu = 1500
    link.kind = kind
    return link
  }

  private func address(_ index: Int32, _ bytes: [UInt8], _ prefix: UInt8, isPermanent: Bool = true, scope: UInt8 = 0)
    -> AddressRecord
  {
    AddressRecord(
      index: index, bytes: bytes, prefixLength: prefix, scope: scope, isPermanent: isPermanent, isTemporary: false)
  }

  private func route(_ index: Int32, via gateway: [UInt8], metric: UInt32 = 0, origin: UInt8 = 3) -> RouteRecord {
    RouteRecord(
      index: index, destination: [], prefixLength: 0, gateway: gateway, metric: metric, isIPv6: gateway.count == 16,
      origin: origin)
  }

  private let ipv6: [UInt8] = [0xFD, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x50]

  @Test("a card with a static address")
  func fixed() throws {
    let handover = try HandoverPlan.make(
      links: [link(2, "enp1s0", mac: 1)], addresses: [address(2, [192, 0, 2, 7], 24)],
      routes: [route(2, via: [192, 0, 2, 1])], nameServers: ["192.0.2.53", "2001:db8::53", "; rm -rf /"])
    #expect(
      handover.text == """
        link l0 52:54:00:00:00:01
        address l0 192.0.2.7/24
        route l0 4 default 192.0.2.1 0
        nameserver 192.0.2.53
        nameserver 2001:db8::53

        """)
  }

  @Test("an address with a lifetime is asked for again")
  func dhcp() throws {
    let handover = try HandoverPlan.make(
      links: [link(2, "eth0", mac: 1)], addresses: [address(2, [192, 0, 2, 7], 24, isPermanent: false)], routes: [],
      nameServers: [])
    #expect(handover.text == "link l0 52:54:00:00:00:01\ndhcp l0\naddress l0 192.0.2.7/24\n")
  }

  @Test("a VLAN on a bond on two cards, named by their own addresses")
  func vlanOnBond() throws {
    var links = [
      link(2, "eth0", mac: 9), link(3, "eth1", mac: 9), link(4, "bond0", mac: 9, kind: "bond"),
      link(5, "bond0.7", mac: 9, kind: "vlan"),
    ]
    links[0].permanentMAC = [0x52, 0x54, 0, 0, 0, 1]
    links[1].permanentMAC = [0x52, 0x54, 0, 0, 0, 2]
    for index in 0...1 { links[index].master = 4 }
    links[2].bondMode = 4
    links[2].bondMonitorMilliseconds = 100
    links[2].bondHashPolicy = 1
    links[2].mtu = 9000
    links[3].parent = 4
    links[3].vlanTag = 7
    let handover = try HandoverPlan.make(
      links: links, addresses: [address(5, [10, 0, 0, 7], 24)], routes: [route(5, via: [10, 0, 0, 1])], nameServers: [])
    #expect(
      handover.text == """
        link l0 52:54:00:00:00:01
        link l1 52:54:00:00:00:02
        bond b0 802.3ad l0,l1 52:54:00:00:00:09 miimon=100 xmit_hash_policy=1 lacp_rate=0
        mtu b0 9000
        vlan v0 b0 7
        address v0 10.0.0.7/24
        route v0 4 default 10.0.0.1 0

        """)
  }

  @Test("a bridge is replaced by the card below it, and what stands on no hardware is left out")
  func bridge() throws {
    var links = [
      link(2, "eno1", mac: 1), link(3, "vmbr0", mac: 1, kind: "bridge"), link(4, "docker0", mac: 8, kind: "bridge"),
      link(5, "veth1", mac: 7, kind: "veth"), link(6, "wg0", kind: "wireguard"),
    ]
    links[0].master = 3
    links[3].master = 4
    let handover = try HandoverPlan.make(
      links: links,
      addresses: [address(3, [192, 0, 2, 7], 24), address(4, [172, 17, 0, 1], 16), address(6, [10, 9, 9, 1], 24)],
      routes: [route(3, via: [192, 0, 2, 1])], nameServers: [])
    #expect(handover.text == "link l0 52:54:00:00:00:01\naddress l0 192.0.2.7/24\nroute l0 4 default 192.0.2.1 0\n")
  }

  @Test("IPv6 alone: global addresses and the gateway on the link, nothing that comes by itself")
  func ipv6Only() throws {
    let local: [UInt8] = [0xFE, 0x80] + [UInt8](repeating: 0, count: 13) + [1]
    let handover = try HandoverPlan.make(
      links: [link(2, "eth0", mac: 1)],
      addresses: [address(2, local, 64, scope: 253), address(2, ipv6, 64)],
      routes: [route(2, via: local, metric: 1024)],
      nameServers: [])
    #expect(
      handover.text == """
        link l0 52:54:00:00:00:01
        address l0 fd77:0:0:0:0:0:0:50/64
        route l0 6 default fe80:0:0:0:0:0:0:1 1024

        """)
  }

  @Test("routes on the link come before those through a gateway there")
  func order() throws {
    let host = RouteRecord(
      index: 2, destination: [203, 0, 113, 1], prefixLength: 32, gateway: [], metric: 0, isIPv6: false, origin: 3)
    let handover = try HandoverPlan.make(
      links: [link(2, "eth0", mac: 1)], addresses: [address(2, [198, 51, 100, 7], 32)],
      routes: [route(2, via: [203, 0, 113, 1]), host], nameServers: [])
    #expect(handover.routes.count == 2)
    #expect(handover.text.hasSuffix("route l0 4 203.0.113.1/32 - 0\nroute l0 4 default 203.0.113.1 0\n"))
  }

  @Test("a machine without any address on hardware is refused")
  func nothing() {
    #expect(throws: HandoverError.nothing(seen: ["eth0"])) {
      try HandoverPlan.make(links: [link(2, "eth0", mac: 1)], addresses: [], routes: [], nameServers: [])
    }
  }

  @Test("interfaces that stand on each other in a ring end")
  func ring() {
    var links = [link(2, "a", mac: 1, kind: "vlan"), link(3, "b", mac: 1, kind: "vlan")]
    (links[0].parent, links[0].vlanTag) = (3, 1)
    (links[1].parent, links[1].vlanTag) = (2, 1)
    #expect(throws: HandoverError.self) {
      try HandoverPlan.make(
        links: links, addresses: [address(2, [192, 0, 2, 7], 24)], routes: [], nameServers: [])
    }
  }

  @Test("name servers behind a local resolver are not its own address")
  func nameServers() {
    #expect(
      NetworkReader.nameServers(
        in: "# x\nnameserver 127.0.0.53\nnameserver 192.0.2.1\nnameserver\t2001:db8::1\nsearch a\n")
        == ["192.0.2.1", "2001:db8::1"])
  }

  @Test("the running kernel's consoles stay, the last of them the main one")
  func consoles() {
    #expect(
      Takeover.arguments(
        ["loglevel=4", "console=tty0", "console=ttyS0,115200"], running: "ro quiet console=ttyS1 console=tty0")
        == "loglevel=4 console=ttyS0,115200 console=ttyS1 console=tty0")
  }
}
