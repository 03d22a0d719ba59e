import Crypto
import Foundation
import NetworkAddress

/// A WireGuard key: X25519, as `wg genkey` and `wg pubkey` write it.
public struct TunnelKey: Sendable {
  private let key: Curve25519.KeyAgreement.PrivateKey

  public init() { key = Curve25519.KeyAgreement.PrivateKey() }

  /// - Returns: nil where the text is no private key.
  public init?(_ text: String) {
    guard let bytes = Data(base64Encoded: text), bytes.count == 32,
      let key = try? Curve25519.KeyAgreement.PrivateKey(rawRepresentation: bytes)
    else { return nil }
    self.key = key
  }

  /// It goes to the device alone, and is kept nowhere.
  public var secret: String {
    var bytes = Array(key.rawRepresentation)
    // The bits that X25519 does not use, as WireGuard's own tool sets them (RFC 7748, 5).
    bytes[0] &= 248
    bytes[31] = bytes[31] & 127 | 64
    return Data(bytes).base64EncodedString()
  }

  public var publicKey: String { Data(key.publicKey.rawRepresentation).base64EncodedString() }

  public static func isPublicKey(_ text: String) -> Bool {
    text.utf8.count == 44 && Data(base64Encoded: text)?.count == 32
  }
}

/// The WireGuard devices of one declared machine.
public struct TunnelPeers: Sendable {
  public struct Peer: Codable, Sendable, Hashable {
    public var name: String
    public var addresses: [String]
    /// Nil: it has none yet.
    public var publicKey: String?
    public var isFullTunnel: Bool
  }

  public let machine: String
  public private(set) var editor: DeclarationEditor
  private let settings: JSONValue

  private static let path = ["settings", "access", "wireguard"]

  /// - Throws: ``FleetError`` where the machine declares no WireGuard.
  public init(of machine: String, in editor: DeclarationEditor) throws(FleetError) {
    (self.machine, self.editor) = (machine, editor)
    let all = try editor.settings(of: machine)
    settings = all[["access", "wireguard"]] ?? .object([:])
    let ways = all[["roles", "edge", "ways"]]?.texts ?? []
    guard settings["enable"]?.isTrue == true || ways.contains("wireguard") else {
      throw .invalidValue(
        field: "machines/\(machine).json",
        reason:
          "it has no WireGuard; set settings.access.wireguard.enable, or \"wireguard\" in settings.roles.edge.ways")
    }
  }

  public var peers: [Peer] {
    guard case .object(let peers)? = settings["peers"] else { return [] }
    return peers.sorted { $0.key < $1.key }.map { name, value in
      Peer(
        name: name, addresses: value["addresses"]?.texts ?? [], publicKey: value["publicKey"]?.text,
        isFullTunnel: value["fullTunnel"]?.isTrue == true)
    }
  }

  /// The server's own public key, where it is declared.
  public var serverKey: String? { settings["publicKey"]?.text }
  /// The name of the secret with the server's private key.
  public var secret: String {
    let reference = settings["secret"]?.text ?? "secret:wireguard-key"
    return String(reference.dropFirst("secret:".count))
  }
  private var own: [String] { settings["addresses"]?.texts ?? ["10.90.0.1/24"] }

  public mutating func declareServerKey(_ key: String) throws(FleetError) {
    try editor.set(.text(key), at: Self.path + ["publicKey"], of: machine)
  }

  /// Declares a device.
  /// - Parameter address: nil takes the first that is free.
  public mutating func add(_ name: String, publicKey: String, address: String?, isFullTunnel: Bool) throws(FleetError)
    -> Peer
  {
    guard name.wholeMatch(of: /[a-z0-9]([a-z0-9\-]{0,61}[a-z0-9])?/) != nil else {
      throw .invalidValue(field: "peer", reason: "a device's name is 1 to 63 of a-z, 0-9 and inner hyphens")
    }
    let known = peers.first { $0.name == name }
    guard known?.publicKey == nil else {
      throw .conflict("\(machine) has the device '\(name)' already; remove it first, then its old key is of no use")
    }
    let taken = Set(peers.filter { $0.name != name }.flatMap(\.addresses))
    // A device that was declared without a key keeps its address.
    let addresses: [String]
    if let address {
      addresses = [try checked(address, taken)]
    } else if let known, !known.addresses.isEmpty {
      addresses = known.addresses
    } else {
      addresses = [try free(taken)]
    }
    var fields: [String: JSONValue] = [
      "publicKey": .text(publicKey), "addresses": .array(addresses.map { .text($0) }),
    ]
    if isFullTunnel || known?.isFullTunnel == true { fields["fullTunnel"] = .bool(true) }
    try editor.set(.object(fields), at: Self.path + ["peers", name], of: machine)
    return Peer(
      name: name, addresses: addresses, publicKey: publicKey, isFullTunnel: fields["fullTunnel"]?.isTrue == true)
  }

  public mutating func remove(_ name: String) throws(FleetError) {
    guard peers.contains(where: { $0.name == name }) else {
      throw .notFound(kind: "device", name: name)
    }
    try editor.set(nil, at: Self.path + ["peers", name], of: machine)
    guard try editor.settings(of: machine)[["access", "wireguard", "peers", name]] == nil else {
      throw .conflict("the device '\(name)' is declared in fleet.json; take it out there")
    }
  }

  private func checked(_ text: String, _ taken: Set<String>) throws(FleetError) -> String {
    guard let address = try? IPv4Address(text) else {
      throw .invalidValue(field: "address", reason: "'\(displayable(text, limit: 60))' is no IPv4 address")
    }
    let networks = own.compactMap { IPv4Network($0) }
    guard networks.contains(where: { $0.isForMachines(address) && $0.address != address }) else {
      throw .invalidValue(
        field: "address",
        reason: "\(address) is no free address of the tunnel's network (\(own.joined(separator: ", ")))")
    }
    guard !taken.contains(address.description) else {
      throw .conflict("\(address) belongs to another device; 'bootstead access peer list' shows which")
    }
    return address.description
  }

  private func free(_ taken: Set<String>) throws(FleetError) -> String {
    guard let network = own.compactMap({ IPv4Network($0) }).first else {
      throw .invalidValue(field: "address", reason: "the tunnel has no IPv4 network to take one from; give --address")
    }
    for value in network.range.first.value...network.range.last.value {
      let address = IPv4Address(value)
      if network.isForMachines(address), address != network.address, !taken.contains(address.description) {
        return address.description
      }
    }
    throw .conflict("all addresses of \(network) are taken; remove a device, or declare a larger network")
  }

  /// What the device is set up with. It holds the private key.
  /// - Throws: ``FleetError`` where the machine declares no endpoint.
  public func configuration(of peer: Peer, key: TunnelKey, serverKey: String) throws(FleetError) -> String {
    guard let endpoint = settings["endpoint"]?.text else {
      throw .invalidValue(
        field: "settings.access.wireguard.endpoint", reason: "it is missing: where devices find \(machine) from outside"
      )
    }
    let networks = own.map { text in IPv4Network(text).map(\.description) ?? text }
    let allowed = peer.isFullTunnel ? ["0.0.0.0/0", "::/0"] : (settings["networks"]?.texts ?? []) + networks
    let addresses = peer.addresses.map { $0 + ($0.contains(":") ? "/128" : "/32") }
    let servers = settings["nameServers"]?.texts ?? []
    var lines = [
      "[Interface]", "PrivateKey = \(key.secret)", "Address = \(addresses.joined(separator: ", "))",
    ]
    if !servers.isEmpty { lines.append("DNS = \(servers.joined(separator: ", "))") }
    lines += [
      "", "[Peer]", "PublicKey = \(serverKey)", "Endpoint = \(endpoint)",
      "AllowedIPs = \(allowed.joined(separator: ", "))", "PersistentKeepalive = 25",
    ]
    return lines.joined(separator: "\n") + "\n"
  }
}
