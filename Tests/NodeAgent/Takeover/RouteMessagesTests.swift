import Foundation
import NodeAgent
import Testing

@Suite("What the kernel says of its network")
struct RouteMessagesTests {
  /// Sections of hexadecimal digits, each under its name.
  private static func recorded(_ name: String) throws -> [String: [UInt8]] {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Recorded/\(name).hex")
    var sections: [String: [UInt8]] = [:]
    var section = ""
    for line in try String(contentsOf: path, encoding: .utf8).split(separator: "\n") where !line.hasPrefix("#") {
      if ["links", "addresses", "routes"].contains(line) {
        section = String(line)
        continue
      }
      let digits = Array(line)
      for index in stride(from: 0, to: digits.count - 1, by: 2) {
        sections[section, default: []].append(try #require(UInt8(String(digits[index...(index + 1)]), radix: 16)))
      }
    }
    return sections
  }

  @Test("a recorded bond with a VLAN on it, beside an IPv6 router, is handed over whole")
  func bondAndVLAN() throws {
    let dump = try Self.recorded("bond-vlan")
    let handover = try HandoverPlan.make(
      links: RouteMessages.links(in: dump["links"] ?? []),
      addresses: RouteMessages.addresses(in: dump["addresses"] ?? []),
      routes: RouteMessages.routes(in: dump["routes"] ?? []), nameServers: [])
    #expect(
      handover.text == """
        link l0 52:54:00:88:00:01
        bond b0 balance-rr l0 52:54:00:88:00:01 miimon=100
        vlan v0 b0 7
        address b0 10.77.0.50/24
        address b0 fec0:0:0:0:5054:ff:fe88:1/64
        address v0 198.51.100.7/24
        route b0 4 default 10.77.0.1 0
        route v0 4 203.0.113.0/24 198.51.100.1 50
        route b0 6 default fe80:0:0:0:0:0:0:2 1024

        """)
  }

  @Test("a dump that is cut off anywhere, or changed anywhere, is read as far as it fits")
  func damaged() throws {
    let dump = try Self.recorded("bond-vlan")
    for (section, bytes) in dump {
      let whole = count(section, bytes)
      for length in stride(from: 0, to: bytes.count, by: 7) {
        #expect(count(section, Array(bytes.prefix(length))) <= whole)
      }
      for place in stride(from: 0, to: bytes.count, by: 3) {
        var changed = bytes
        changed[place] ^= 0xFF
        // A changed length may cut messages differently, but never makes more of them than fit.
        #expect(count(section, changed) <= bytes.count / 16)
      }
    }
  }

  private func count(_ section: String, _ bytes: [UInt8]) -> Int {
    switch section {
    case "links": RouteMessages.links(in: bytes).count
    case "addresses": RouteMessages.addresses(in: bytes).count
    default: RouteMessages.routes(in: bytes).count
    }
  }

  @Test("this machine's own kernel is read")
  func ownKernel() {
    // A container may have no interface of its own: that is said, and nothing else is thrown.
    do {
      #expect(!(try NetworkReader().handover().links.isEmpty))
    } catch {
      #expect(error is HandoverError)
    }
  }
}
