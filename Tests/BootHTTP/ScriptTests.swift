import AgentProtocol
import BootDecision
import CPIO
import Fleet
import Foundation
import NetworkAddress
import Testing

@Suite("Scripts and overlays")
struct ScriptTests {
  private static let query = "/boot.ipxe?mac=52-54-00-00-00-01"

  @Test(
    "a request that names no machine gets the first script",
    arguments: ["/boot.ipxe", "/autoexec.ipxe", "/boot.ipxe?mac=x"])
  func firstScript(path: String) async throws {
    try await BootAppliance().serving { port in
      let text = try await raw(port) { try $0.get(path).text }
      #expect(text.hasPrefix("#!ipxe\n") && text.contains("/boot.ipxe?mac="))
      #expect(text.contains("set bs-base http://127.0.0.1:8080\n"))
    }
  }

  @Test("each intent has its script")
  func intents() async throws {
    let appliance = try BootAppliance()
    try await appliance.add()
    try await appliance.serving { port in
      func script() async throws -> String { try await raw(port) { try $0.get(ScriptTests.query).text } }
      #expect(try await script().contains("kernel --name bs-kernel"))
      var change = SetMachine()
      change.nextBoot = "rescue"
      _ = try await appliance.fleet.set("node1", change)
      #expect(try await script().contains("bootstead.mode=rescue"))
      change = SetMachine()
      change.blocked = true
      _ = try await appliance.fleet.set("node1", change)
      #expect(try await script().contains("starts from its own disk"))
      change.blocked = false
      _ = try await appliance.fleet.set("node1", change)
      for _ in 0..<5 { _ = try await script() }
      #expect(try await script().contains("is held: "))
      let unknown = try await raw(port) { try $0.get("/boot.ipxe?mac=52-54-00-00-00-02").text }
      #expect(unknown.contains("starts from its own disk") && !unknown.contains("bs-kernel"))
    }
  }

  @Test("an unknown machine boots for its inventory where enrolment is open")
  func inventory() async throws {
    let appliance = try BootAppliance()
    try await appliance.serving(enrolment: .inventory) { port in
      let text = try await raw(port) { try $0.get(ScriptTests.query).text }
      #expect(text.contains("inventory only"))
      #expect(try await appliance.fleet.machine("525400000001").machine.state == .discovered)
    }
  }

  @Test("the overlay tells the agent where the appliance is and who it is, and holds no secret")
  func overlay() async throws {
    let appliance = try BootAppliance()
    try await appliance.add()
    try await appliance.fleet.setSecret(Data("correct horse".utf8), named: "token", of: "node1")
    try await appliance.serving { port in
      let script = try await raw(port) { try $0.get(ScriptTests.query).text }
      #expect(!script.contains("horse"))
      let match = try #require(script.firstMatch(of: /\/boot\/overlay\/([0-9a-f]{32})\.cpio/))
      let nonce = String(match.1)
      let answer = try await raw(port) { try $0.get("/boot/overlay/\(nonce).cpio") }
      #expect(answer.status == 200 && answer.body.count % 4 == 0)
      #expect(!answer.text.contains("horse"))
      let entries = try CPIOArchive.entries(in: answer.body)
      let entry = try #require(entries.first { "/" + $0.path == BootOverlay.path })
      guard case .file(let bytes) = entry.kind else {
        Issue.record("the overlay's entry is no file")
        return
      }
      let overlay = try MessageCoder.decode(BootOverlay.self, from: bytes)
      #expect(overlay.applianceURL == "http://127.0.0.1:8080")
      #expect(overlay.appliancePublicKey == appliance.key.publicKey)
      #expect(overlay.bootNonce.description == nonce && overlay.machineName == "node1" && overlay.mode == .install)
      #expect(entry.permissions == 0o644)
    }
  }

  @Test(
    "hostile values of a request never reach a script",
    arguments: [
      "%0aevil", "%0d%0aevil", "%00evil", "${evil}", "%24%7Bevil%7D", "%1b%5b2Jevil", "||%20evil", "%26%26%20evil",
      "%ff%feevil", "evil" + String(repeating: "x", count: 5000), "@NAME@evil", "%E2%80%AEevil",
    ])
  func hostileQuery(value: String) async throws {
    let appliance = try BootAppliance()
    try await appliance.serving(enrolment: .inventory) { port in
      let names = ["uuid", "serial", "product", "manufacturer", "platform", "version", "err", "try", "hold", "mac1"]
      let query = ScriptTests.query + names.map { "&\($0)=\(value)" }.joined()
      let answer = try await raw(port) { try $0.get(query) }
      #expect(!answer.text.contains("evil") && !answer.lines.contains { $0.contains("evil") })
      if let machine = try? await appliance.fleet.machine("525400000001").machine {
        for text in [machine.serial, machine.product] {
          #expect(text?.unicodeScalars.allSatisfy { $0.isASCII && $0.value >= 32 } != false)
          #expect((text?.utf8.count ?? 0) <= 128)
        }
      }
    }
  }

  @Test(
    "the MAC address of a request is parsed, never copied",
    arguments: ["52-54-00-00-00-01%0aevil", "${net0/mac}evil", "evil"])
  func hostileAddress(value: String) async throws {
    try await BootAppliance().serving(enrolment: .automatic) { port in
      let answer = try await raw(port) { try $0.get("/boot.ipxe?mac=\(value)") }
      #expect(!answer.text.contains("evil"))
    }
  }

  /// warewulf knows a node by the kernel's ARP cache, which ends at 1,024 entries (`gc_thresh3`).
  @Test("machines are told apart by what they say, although all ask from one address")
  func oneAddress() async throws {
    let appliance = try BootAppliance()
    for number in 0..<40 { try await appliance.add("node\(number)", mac: String(format: "5254000000%02x", number)) }
    try await appliance.serving { port in
      try await raw(port) { connection in
        for number in 0..<40 {
          let text = try connection.get("/boot.ipxe?mac=5254000000\(String(format: "%02x", number))").text
          #expect(text.contains("installing node\(number),"))
        }
      }
    }
  }

  @Test("a boot image that is missing is not found, and changes no byte of what others get")
  func missingImage() async throws {
    let appliance = try BootAppliance()
    try await appliance.add()
    var change = SetMachine()
    change.image = "absent"
    _ = try await appliance.fleet.set("node1", change)
    try await appliance.serving { port in
      let answer = try await raw(port) { try $0.get(ScriptTests.query) }
      #expect(answer.status == 404)
    }
  }
}
