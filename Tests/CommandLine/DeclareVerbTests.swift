import AgentProtocol
import BootDecision
import DiskLayout
import Fleet
import Foundation
import NetworkAddress
import ProgramTestSupport
import Testing

@Suite(
  "A declared fleet and flakes on the command line",
  .enabled(if: ApplianceProcess.isPossible, "needs root and a built bootstead"))
struct DeclareVerbTests {
  /// The appliance's URL in the test's network.
  static let url = "http://192.0.2.1:8080"

  private func write(_ text: String, to path: String) throws {
    let file = URL(fileURLWithPath: path)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }

  /// A registry in which node1 has shown its disks, for an appliance that does not run yet.
  private func seeNode1(in data: String) async throws {
    try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
    let fleet = try Fleet(path: data + "/fleet.sqlite")
    let applianceKey = try SigningPrivateKey()
    let mac = try MACAddress("525400000001")
    _ = try await fleet.add(AddMachine(name: try MachineName("node1"), addresses: [mac], layout: LayoutSpec()))
    let boot = try await fleet.boot(
      BootContact(mac: mac, uuid: nil, serial: nil, product: nil, platform: nil), enrolment: .closed)
    let nonce = try BootNonce(boot.nonce ?? "")
    let (key, identity) = (try SigningPrivateKey(), AgeIdentity())
    let session = try await fleet.begin(BeginRequest(bootNonce: nonce), applianceKey: applianceKey.publicKey).session
    let inventory = MachineInventory(
      processor: .init(architecture: "x86_64", threads: 1), memoryBytes: 1 << 30, firmware: .init(kind: .bios),
      disks: DiskInventory(disks: [Disk(id: "ata-D_SN1", node: "/dev/sda", size: 500 << 30, bus: .sata, serial: "SN1")])
    )
    let signed = try SignedRequest.sign(method: "POST", path: "/", body: [], session: session, counter: 1, key: key)
    _ = try await fleet.hello(
      HelloRequest(
        session: session, bootNonce: nonce, agentKey: key.publicKey, recipient: identity.recipient,
        agentNonce: ClaimNonce(), inventory: inventory), signed: signed, applianceKey: applianceKey.publicKey)
    try fleet.close()
  }

  @Test("a fleet is planned, applied with consent alone, and a bad file or a link out of the folder changes nothing")
  func declare() async throws {
    try await withAppliance { appliance in
      let folder = appliance.folder.path + "/fleet"
      try write(#"{"administrator":{"name":"runner"}}"#, to: folder + "/fleet.json")
      try write(
        #"{"addresses":["52:54:00:00:00:01"],"roles":["golden"],"modules":["modules/own.nix"]}"#,
        to: folder + "/machines/node1.json")
      try write("{ }", to: folder + "/modules/own.nix")
      try write("not read", to: folder + "/.git/config")
      try await appliance.serving {
        let plan = try await appliance.bootstead("plan", "-f", folder)
        #expect(
          plan.status == 0 && plan.output.contains("+ node1: new") && plan.output.contains("roles: golden"), "\(plan)")
        let refused = try await appliance.bootstead("apply", "-f", folder, input: "yes\n")
        #expect(refused.status == 5 && refused.errors.contains("+ node1: new"), "\(refused)")
        #expect(try await appliance.bootstead("machine", "show", "node1").status == 4)
        let applied = try await appliance.bootstead("apply", "-f", folder, "--yes", "--json")
        let digest = (applied.json as? [String: Any])?["files"] as? String
        #expect(applied.status == 0 && digest?.count == 64, "\(applied)")
        #expect(try await appliance.bootstead("machine", "show", "node1").output.contains("role       golden"))
        let again = try await appliance.bootstead("apply", "-f", folder)
        #expect(again.status == 0 && again.output.contains("nothing to change"), "\(again)")

        try write(#"{"addresses":["52:54:00:00:00:02"],"roles":["gold"]}"#, to: folder + "/machines/node2.json")
        for verb in [["plan", "-f", folder], ["apply", "-f", folder, "--yes"]] {
          let bad = try await ApplianceProcess.run(
            ApplianceProcess.program, verb, environment: ["BOOTSTEAD_SOCKET": appliance.socket()])
          #expect(
            bad.status == 1 && bad.errors.contains("machines/node2.json: roles[0]: there is no role 'gold'"), "\(bad)")
        }
        try FileManager.default.removeItem(atPath: folder + "/machines/node2.json")
        for target in ["/etc/hostname", "../../etc", "/dev/zero"] {
          try FileManager.default.createSymbolicLink(
            atPath: folder + "/machines/node2.json", withDestinationPath: target)
          let link = try await appliance.bootstead("plan", "-f", folder)
          #expect(link.status == 1 && link.errors.contains("machines/node2.json: "), "\(link)")
          try FileManager.default.removeItem(atPath: folder + "/machines/node2.json")
        }
        #expect(try await appliance.bootstead("machine", "list", "--json").json as? [Any] != nil)
        #expect(try await appliance.bootstead("plan", "-f", appliance.folder.path + "/none").status == 1)
      }
    }
  }

  @Test("a machine's flake is printed, exported, and served with the same bytes each time")
  func flake() async throws {
    try await withAppliance { appliance in
      try await seeNode1(in: appliance.data())
      try await appliance.serving {
        func fetch(_ name: String) async throws -> (status: String, body: Data) {
          let script = """
            exec 3<>/dev/tcp/192.0.2.1/8080
            printf 'GET /flake/%s HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n' '\(name)' >&3
            exec cat <&3
            """
          let answer = try await TestProgram.run(
            ApplianceProcess.ip, ["netns", "exec", appliance.namespace, "bash", "-c", script]
          ).output
          let end = try #require(answer.range(of: Data("\r\n\r\n".utf8)))
          let status = String(decoding: answer.prefix(12).suffix(3), as: UTF8.self)
          return (status, answer[end.upperBound...])
        }
        _ = try await appliance.bootstead("machine", "add", "--mac", "525400000002", "--name", "node2")
        let unseen = try await appliance.bootstead("machine", "flake", "node2")
        #expect(unseen.status == 1 && unseen.errors.contains("boot it from the network first"), "\(unseen)")
        #expect(try await fetch("node2.tar.gz").status == "404")

        let printed = try await appliance.bootstead("machine", "flake", "node1")
        #expect(printed.status == 0 && printed.output.contains("nixosConfigurations"), "\(printed)")
        #expect(printed.output.contains("/dev/disk/by-id/ata-D_SN1") && printed.output.contains(Self.url))
        let output = appliance.folder.path + "/exported"
        let written = try await appliance.bootstead("machine", "flake", "node1", "-o", output, "--json")
        let digest = (written.json as? [String: Any])?["digest"] as? String
        #expect(written.status == 0 && digest?.count == 64, "\(written)")
        #expect(FileManager.default.fileExists(atPath: output + "/bootstead/schema/machine.schema.json"))
        let occupied = try await appliance.bootstead("machine", "flake", "node1", "-o", output)
        #expect(occupied.status == 1 && occupied.errors.contains("--force"), "\(occupied)")

        let (first, second) = (try await fetch("node1.tar.gz"), try await fetch("node1.tar.gz"))
        #expect(first.status == "200" && first.body == second.body && !first.body.isEmpty)
        let archive = appliance.folder.path + "/node1.tar.gz"
        try first.body.write(to: URL(fileURLWithPath: archive))
        let list = try await ApplianceProcess.run("/usr/bin/tar", ["--list", "--verbose", "--file", archive])
        let lines = list.output.split(separator: "\n")
        #expect(lines.allSatisfy { $0.contains(" 0/0 ") && $0.contains("1970-01-01 00:00") }, "\(list.output)")
        #expect(lines.contains { $0.hasSuffix(" bootstead-node1/machines/node1.json") })
        _ = try await appliance.bootstead("machine", "set", "node1", "--role", "golden")
        #expect(try await fetch("node1.tar.gz").body != first.body)
        for odd in ["node1.tar", "..%2f..%2fetc%2fpasswd.tar.gz", "NODE1.tar.gz", "none.tar.gz"] {
          #expect(try await fetch(odd).status == "404", "\(odd)")
        }
        _ = try await appliance.bootstead("machine", "set", "node1", "--role", "no-such-role")
        #expect(try await fetch("node1.tar.gz").status == "404")
        let build = try await appliance.bootstead("build", "node1", "node2", "--json")
        let rows = build.json as? [[String: Any]]
        #expect(build.status == 1 && rows?.count == 2, "\(build)")
        #expect(build.errors.contains("no-such-role") && build.errors.contains("boot it from the network first"))
        #expect(try await appliance.bootstead("build", "none").status == 4)
        #expect(try await appliance.bootstead("build").status == 64)
      }
    }
  }
}
