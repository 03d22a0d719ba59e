import Fleet
import Foundation
import Testing

@Suite("Devices that come in by WireGuard")
struct TunnelPeerTests {
  static let settings = """
    "settings": { "access": { "wireguard": { "enable": true, "endpoint": "vpn.example.com:51820",
      "addresses": ["10.90.0.1/29", "fd00:90::1/64"], "networks": ["192.0.2.0/24"], "nameServers": ["192.0.2.53"],
      "peers": { "phone": { "addresses": ["10.90.0.2"] },
        "laptop": { "addresses": ["10.90.0.3"], "publicKey": "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=" } } } } }
    """
  static let server = "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw="

  private func peers(_ settings: String = TunnelPeerTests.settings) throws -> TunnelPeers {
    let file = #"{"addresses":["52:54:00:00:00:01"], "# + settings + "}"
    return try TunnelPeers(of: "edge", in: DeclarationEditor(DeclaredFiles(["machines/edge.json": Data(file.utf8)])))
  }

  @Test("Keys are those of WireGuard's own tool")
  func keys() throws {
    // RFC 7748, 6.1: Alice's private and public key.
    let whole = try #require(Data(hexadecimal: "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"))
    let key = try #require(TunnelKey(whole.base64EncodedString()))
    let expected = try #require(Data(hexadecimal: "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"))
    #expect(key.publicKey == expected.base64EncodedString())
    #expect(TunnelKey(whole.dropLast().base64EncodedString()) == nil)
    let made = TunnelKey()
    #expect(TunnelKey(made.secret)?.publicKey == made.publicKey)
    #expect(TunnelKey.isPublicKey(made.publicKey) && !TunnelKey.isPublicKey("key"))
    let bytes = try #require(Data(base64Encoded: made.secret))
    #expect(bytes[0] & 7 == 0 && bytes[31] & 0xc0 == 0x40)
  }

  @Test("A device gets the first free address, its public key is declared, and its private one is nowhere in the files")
  func add() throws {
    var peers = try peers()
    let key = TunnelKey()
    try peers.declareServerKey(Self.server)
    let added = try peers.add("tablet", publicKey: key.publicKey, address: nil, isFullTunnel: false)
    #expect(added.addresses == ["10.90.0.4"])
    let text = try peers.configuration(of: added, key: key, serverKey: Self.server)
    #expect(
      text == """
        [Interface]
        PrivateKey = \(key.secret)
        Address = 10.90.0.4/32
        DNS = 192.0.2.53

        [Peer]
        PublicKey = \(Self.server)
        Endpoint = vpn.example.com:51820
        AllowedIPs = 192.0.2.0/24, 10.90.0.0/29, fd00:90::1/64
        PersistentKeepalive = 25

        """)
    let file = String(decoding: try #require(peers.editor.files.files["machines/edge.json"]), as: UTF8.self)
    #expect(file.contains(key.publicKey) && file.contains(Self.server) && !file.contains(key.secret))
    let again = try TunnelPeers(of: "edge", in: peers.editor)
    #expect(again.serverKey == Self.server && again.peers.map(\.name) == ["laptop", "phone", "tablet"])
  }

  @Test("A device that was declared without a key keeps its address, and a full tunnel takes all traffic")
  func declared() throws {
    var peers = try peers()
    let key = TunnelKey()
    let phone = try peers.add("phone", publicKey: key.publicKey, address: nil, isFullTunnel: true)
    #expect(phone.addresses == ["10.90.0.2"])
    #expect(
      try peers.configuration(of: phone, key: key, serverKey: Self.server).contains("AllowedIPs = 0.0.0.0/0, ::/0\n"))
  }

  @Test(
    "A device that is there, a bad name, and an address that is taken or of no use are refused",
    arguments: [
      ("laptop", nil), ("Tablet", nil), ("", nil), ("a b", nil), ("tablet", "10.90.0.3"), ("tablet", "10.90.0.1"),
      ("tablet", "10.90.0.7"), ("tablet", "10.90.1.2"), ("tablet", "ten"),
    ] as [(String, String?)])
  func refused(name: String, address: String?) throws {
    var peers = try peers()
    #expect(throws: FleetError.self) {
      try peers.add(name, publicKey: Self.server, address: address, isFullTunnel: false)
    }
    #expect(peers.editor.changed.isEmpty)
  }

  @Test("When all addresses are taken that is said, and what is removed is free again")
  func full() throws {
    var peers = try peers()
    var names: [String] = []
    for number in 4...6 {
      let added = try peers.add("d\(number)", publicKey: Self.server, address: nil, isFullTunnel: false)
      peers = try TunnelPeers(of: "edge", in: peers.editor)
      names += added.addresses
    }
    #expect(names == ["10.90.0.4", "10.90.0.5", "10.90.0.6"])
    #expect(throws: FleetError.self) {
      try peers.add("d7", publicKey: Self.server, address: nil, isFullTunnel: false)
    }
    try peers.remove("d5")
    peers = try TunnelPeers(of: "edge", in: peers.editor)
    #expect(try peers.add("d7", publicKey: Self.server, address: nil, isFullTunnel: false).addresses == ["10.90.0.5"])
    #expect(throws: FleetError.self) { try peers.remove("d5") }
  }

  @Test("A machine without WireGuard or without an endpoint is refused; the role edge turns it on too")
  func without() throws {
    #expect(throws: FleetError.self) { try peers(#""settings": {}"#) }
    var edge = try peers(#""settings": { "roles": { "edge": { "ways": ["wireguard"] } } }"#)
    let peer = try edge.add("phone", publicKey: Self.server, address: nil, isFullTunnel: false)
    #expect(peer.addresses == ["10.90.0.2"])
    #expect(throws: FleetError.self) {
      try edge.configuration(of: peer, key: TunnelKey(), serverKey: Self.server)
    }
  }
}

extension Data {
  fileprivate init?(hexadecimal text: String) {
    self.init()
    var rest = Substring(text)
    while !rest.isEmpty {
      guard let byte = UInt8(rest.prefix(2), radix: 16) else { return nil }
      append(byte)
      rest = rest.dropFirst(2)
    }
  }
}
