import AgentProtocol
import BootHTTP
import Crypto
import Fleet
import Foundation
import Glibc
import Logging
import NetworkAddress
import OperatorAPI

/// What `serve` takes machines over with: the agent's file, and the addresses that machines are told.
struct TakeoverSetting: Sendable {
  /// Nil where there is no agent.
  let source: TakeoverSource?
  /// Global IPv6 addresses of the served interfaces, on which the boot server listens too.
  let ipv6Addresses: [String]
  let urls: [String]
  /// In seconds from the begin of a take-over: after the old system's end, the installer's start and its watchdog's time
  /// nothing comes any more.
  let silence: Double

  init(_ options: Appliance.Options, addresses: [String: IPv4Address], logger: Logger) {
    silence = Double(options.takeoverWatchdogSeconds) + 180
    do {
      let path = try options.agent ?? agentBeside()
      guard let file = FileManager.default.contents(atPath: path) else {
        throw CommandFailure.failed("\(path) can not be read")
      }
      source = TakeoverSource(
        agentPath: path, agentDigest: hexadecimalDigest(file), watchdogSeconds: options.takeoverWatchdogSeconds)
    } catch {
      logger.warning("no machine can be taken over by kexec: \(error)")
      source = nil
    }
    var usable: [String] = []
    for address in IPv6Listing.global(on: options.interfaces) {
      if IPv6Listing.canListen(on: address, port: options.httpPort) {
        usable.append(address)
      } else {
        logger.warning("not served on [\(address)]: port \(options.httpPort) can not be had there")
      }
    }
    ipv6Addresses = usable
    urls =
      addresses.values.sorted { $0.value < $1.value }.map { "http://\($0):\(options.httpPort)" }
      + usable.map { "http://[\($0)]:\(options.httpPort)" }
  }

  func offers(fleet: Fleet, key: SigningPublicKey) -> TakeoverOffers? {
    guard let source else { return nil }
    return TakeoverOffers(
      urls: urls, prepare: { try await fleet.prepareTakeover($0, applianceKey: key) },
      scriptDigest: { url in
        var text = TakeoverScript.text(appliance: url, agentDigest: source.agentDigest)
        while text.hasSuffix("\n") { text.removeLast() }
        return hexadecimalDigest(Data(text.utf8))
      })
  }
}

func hexadecimalDigest(_ data: Data) -> String {
  SHA256.hash(data: data).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

/// The IPv6 addresses of this host.
enum IPv6Listing {
  /// Those that are neither link-local nor of the host itself.
  static func global(on interfaces: [String]) -> [String] {
    var first: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&first) == 0 else { return [] }
    defer { freeifaddrs(first) }
    var found: [String] = []
    var next = first
    while let entry = next?.pointee {
      next = entry.ifa_next
      guard let name = entry.ifa_name, interfaces.contains(String(cString: name)), let address = entry.ifa_addr,
        address.pointee.sa_family == sa_family_t(AF_INET6)
      else { continue }
      let bytes = address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { pointer in
        withUnsafeBytes(of: pointer.pointee.sin6_addr) { Array($0) }
      }
      guard bytes.count == 16, !(bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80), bytes[0] != 0xFF else { continue }
      var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
      guard inet_ntop(AF_INET6, bytes, &text, socklen_t(text.count)) != nil else { continue }
      let printed = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      if printed != "::1" { found.append(printed) }
    }
    return found.sorted()
  }

  static func canListen(on address: String, port: Int) -> Bool {
    let descriptor = socket(AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var reuse: Int32 = 1
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
    var name = sockaddr_in6()
    name.sin6_family = sa_family_t(AF_INET6)
    name.sin6_port = UInt16(truncatingIfNeeded: port).bigEndian
    guard inet_pton(AF_INET6, address, &name.sin6_addr) == 1 else { return false }
    return withUnsafePointer(to: &name) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in6>.size)) == 0
      }
    }
  }
}
