import Foundation
import ProgramTestSupport
import Testing

@Suite(
  "WireGuard devices and clusters on the command line",
  .enabled(if: ApplianceProcess.isPossible, "needs root and a built bootstead"))
struct AccessVerbTests {
  private func write(_ text: String, to path: String) throws {
    let file = URL(fileURLWithPath: path)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }

  private func machine(_ number: Int, _ settings: String = "{}") -> String {
    """
    { "addresses": ["52:54:00:00:00:0\(number)"], "settings": \(settings),
      "network": { "interfaces": [{ "mac": "52:54:00:00:00:0\(number)", "addresses": ["192.0.2.3\(number)/24"] }] } }
    """
  }

  private func mode(of path: String) throws -> Int? {
    (try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? NSNumber)?.intValue
  }

  @Test("a device is declared after consent, its key is shown once, and the server's goes into a secret")
  func peers() async throws {
    try await withAppliance { appliance in
      let folder = appliance.folder.path + "/fleet"
      let settings = """
        { "access": { "wireguard": { "enable": true, "endpoint": "vpn.example.com:51820", "networks": ["192.0.2.0/24"],
          "masquerade": false } } }
        """
      try write(machine(1, settings), to: folder + "/machines/edge.json")
      try await appliance.serving {
        let before = try String(contentsOfFile: folder + "/machines/edge.json", encoding: .utf8)
        let refused = try await appliance.bootstead("access", "peer", "add", "edge", "phone", "-f", folder)
        #expect(refused.status == 5 && refused.errors.contains("+ edge: new"), "\(refused)")
        #expect(try String(contentsOfFile: folder + "/machines/edge.json", encoding: .utf8) == before)

        let file = appliance.folder.path + "/phone.conf"
        let added = try await appliance.bootstead(
          "access", "peer", "add", "edge", "phone", "-f", folder, "-o", file, "--yes")
        #expect(added.status == 0, "\(added)")
        let configuration = try String(contentsOfFile: file, encoding: .utf8)
        #expect(configuration.contains("Address = 10.90.0.2/32\n"))
        #expect(try mode(of: file) == 0o600)
        let key = try #require(configuration.split(separator: "\n").first { $0.hasPrefix("PrivateKey = ") })
        let secret = String(key.dropFirst("PrivateKey = ".count))
        #expect(!added.output.contains(secret) && !added.errors.contains(secret))
        let declared = try String(contentsOfFile: folder + "/machines/edge.json", encoding: .utf8)
        #expect(declared.contains("\"10.90.0.2\"") && !declared.contains(secret))
        #expect(try await appliance.bootstead("machine", "secrets", "edge").output.contains("wireguard-key"))
        #expect(try await appliance.bootstead("plan", "-f", folder).output.contains("nothing would change"))

        let shown = try await appliance.bootstead(
          "access", "peer", "add", "edge", "laptop", "-f", folder, "--full-tunnel", "--yes", "--json")
        let text = (shown.json as? [String: Any])?["configuration"] as? String
        #expect(shown.status == 0 && text?.contains("AllowedIPs = 0.0.0.0/0, ::/0\n") == true, "\(shown)")
        let again = try await appliance.bootstead("access", "peer", "add", "edge", "phone", "-f", folder, "--yes")
        #expect(again.status == 1 && again.errors.contains("remove it first"), "\(again)")
        let there = try await appliance.bootstead(
          "access", "peer", "add", "edge", "tablet", "-f", folder, "-o", file, "--yes")
        #expect(there.status == 1 && there.errors.contains("is there already"), "\(there)")

        let (png, svg) = (appliance.folder.path + "/tablet.png", appliance.folder.path + "/tablet.svg")
        let drawn = try await appliance.bootstead(
          "access", "peer", "add", "edge", "tablet", "-f", folder, "--png", png, "--svg", svg, "--yes")
        #expect(drawn.status == 0 && !drawn.output.contains("PrivateKey"), "\(drawn)")
        #expect(try Data(contentsOf: URL(fileURLWithPath: png)).starts(with: [0x89, 0x50, 0x4E, 0x47]))
        #expect(try String(contentsOfFile: svg, encoding: .utf8).contains("<svg"))
        for path in [png, svg] { #expect(try mode(of: path) == 0o600) }

        let removed = try await appliance.bootstead("access", "peer", "remove", "edge", "phone", "-f", folder, "--yes")
        #expect(removed.status == 0, "\(removed)")
        let left = try await ApplianceProcess.run(
          ApplianceProcess.program, ["access", "peer", "list", "edge", "-f", folder, "--json"])
        let names = (left.json as? [[String: Any]])?.compactMap { $0["name"] as? String }
        #expect(left.status == 0 && names == ["laptop", "tablet"], "\(left)")
      }
    }
  }

  @Test("a cluster is declared with its token and addresses, machines join, and what can not be is refused")
  func clusters() async throws {
    try await withAppliance { appliance in
      let folder = appliance.folder.path + "/fleet"
      for number in 1...4 { try write(machine(number), to: folder + "/machines/node\(number).json") }
      try await appliance.serving {
        func cluster(_ arguments: String...) async throws -> ApplianceProcess.Ended {
          try await ApplianceProcess.run(
            ApplianceProcess.program, ["cluster"] + arguments, environment: ["BOOTSTEAD_SOCKET": appliance.socket()])
        }
        let own = try await cluster(
          "create", "home", "--server", "node1", "--pool", "192.0.2.1-192.0.2.5", "-f", folder, "--yes")
        #expect(own.status == 1 && own.errors.contains("the appliance"), "\(own)")
        let asked = try await cluster(
          "create", "home", "--server", "node1", "--pool", "192.0.2.200-192.0.2.210", "-f", folder)
        #expect(asked.status == 5 && asked.errors.contains("k3s-server-init"), "\(asked)")
        let made = try await cluster(
          "create", "home", "--server", "node1", "--pool", "192.0.2.200-192.0.2.210", "-f", folder, "--yes", "--json")
        let token = (made.json as? [String: Any])?["token"] as? [String: Any]
        #expect(made.status == 0 && token?["isNew"] as? Bool == true, "\(made)")

        let even = try await cluster("join", "home", "--server", "node2", "-f", folder, "--yes")
        #expect(even.status == 1 && even.errors.contains("2 servers bear the loss of 0"), "\(even)")
        let joined = try await cluster(
          "join", "home", "--server", "node2", "--server", "node3", "--agent", "node4", "-f", folder, "--yes")
        #expect(joined.status == 0 && joined.output.contains("3 servers, 1 agents"), "\(joined)")
        for name in ["node1", "node2", "node3", "node4"] {
          #expect(try await appliance.bootstead("machine", "secrets", name).output.contains("k3s-home"))
        }
        let shown = try await cluster("show", "home")
        #expect(shown.status == 0 && shown.output.contains("3 servers, of which 2 have to live"), "\(shown)")
        #expect(try await cluster("show", "office").status == 4)
        // Nothing was ever installed, so nothing can change its system.
        let upgrade = try await cluster("upgrade", "home", "--yes")
        #expect(upgrade.status == 1 && upgrade.errors.contains("nothing was ordered"), "\(upgrade)")
      }
    }
  }
}
