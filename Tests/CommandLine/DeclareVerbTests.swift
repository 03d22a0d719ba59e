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

  static let source =
    ProcessInfo.processInfo.environment["BOOTSTEAD_SOURCE"] ?? FileManager.default.currentDirectoryPath

  func write(_ text: String, to path: String) throws {
    let file = URL(fileURLWithPath: path)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: file)
  }

  /// A registry in which node1 has shown its disks, for an appliance that does not run yet.
  func seeNode1(in data: String) async throws {
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
      let agent = appliance.folder.path + "/agent"
      try write("the agent", to: agent)
      let templates = appliance.folder.path + "/templates"
      try FileManager.default.copyItem(atPath: Self.source + "/templates", toPath: templates)
      try write("{ }", to: templates + "/roles/passing.nix")
      try await appliance.serving(["--agent", agent, "--templates", templates]) {
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
        let copied = FileManager.default.contents(atPath: output + "/agent/x86_64-linux/bootstead-agent")
        #expect(copied == Data("the agent".utf8))
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
        #expect(lines.contains { $0.hasSuffix("-linux/bootstead-agent") })
        _ = try await appliance.bootstead("machine", "set", "node1", "--role", "golden")
        #expect(try await fetch("node1.tar.gz").body != first.body)
        for odd in ["node1.tar", "..%2f..%2fetc%2fpasswd.tar.gz", "NODE1.tar.gz", "none.tar.gz"] {
          #expect(try await fetch(odd).status == "404", "\(odd)")
        }
        for arguments in [
          ["machine", "set", "node1", "--role", "golden,no-such-role"],
          ["machine", "approve", "node1", "--role", "no-such-role"],
          ["machine", "add", "--mac", "525400000003", "--name", "node3", "--role", "no-such-role"],
        ] {
          let refused = try await ApplianceProcess.run(
            ApplianceProcess.program, arguments, environment: ["BOOTSTEAD_SOCKET": appliance.socket()])
          #expect(refused.status == 1, "\(arguments): \(refused)")
          #expect(
            refused.errors.contains("role: there is no role 'no-such-role'; known are backup-target, "),
            "\(arguments): \(refused)")
        }
        #expect(try await appliance.bootstead("machine", "show", "node3").status == 4)
        #expect(try await appliance.bootstead("machine", "show", "node1").output.contains("role       golden\n"))
        #expect(try await appliance.bootstead("machine", "set", "node1", "--role", "golden,passing").status == 0)
        try FileManager.default.removeItem(atPath: templates + "/roles/passing.nix")
        #expect(try await fetch("node1.tar.gz").status == "404")
        let build = try await appliance.bootstead("build", "node1", "node2", "--json")
        let rows = build.json as? [[String: Any]]
        #expect(build.status == 1 && rows?.count == 2, "\(build)")
        #expect(build.errors.contains("'passing'") && build.errors.contains("boot it from the network first"))
        #expect(try await appliance.bootstead("build", "none").status == 4)
        #expect(try await appliance.bootstead("build").status == 64)
      }
    }
  }

  static let library = """
    { }:
    {
      node =
        { machine }:
        let
          data = builtins.fromJSON (builtins.readFile machine);
        in
        {
          config.system.build.toplevel = derivation {
            name = "nixos-system-${data.name}";
            system = "x86_64-linux";
            builder = "/bin/sh";
            args = [ "-c" "echo $name > $out" ];
            modules = map (name: import (../.. + "/${name}")) (data.modules or [ ]);
          };
        };
    }
    """

  static let flake = """
    {
      outputs = _: {
        nixosConfigurations.node1 = (import ./bootstead/lib { }).node { machine = ./machines/node1.json; };
      };
    }
    """

  /// Templates that any Nix builds offline: their systems are files that a shell writes.
  private func writeTemplates(to folder: String) throws {
    let library = folder + "/lib"
    try write(Self.library, to: library + "/default.nix")
    try write(Self.flake, to: folder + "/node-flake.nix")
    try write(#"{"nodes":{"root":{}},"root":"root","version":7}"#, to: folder + "/flake.lock")
    try write("{ }", to: folder + "/roles/golden.nix")
    try FileManager.default.copyItem(atPath: Self.source + "/templates/schema", toPath: folder + "/schema")
  }

  @Test(
    "what is built is published, signed and set, and a module that does not evaluate changes nothing",
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/nix"), "needs nix-bin"))
  func build() async throws {
    try await withAppliance { appliance in
      let root = appliance.folder.path
      let (templates, home, folder) = (root + "/templates", root + "/home", root + "/fleet")
      try writeTemplates(to: templates)
      try write(
        "build-users-group =\nsubstituters =\nsandbox = true\nsandbox-paths = /bin /lib /lib64 /usr\n",
        to: home + "/nix.conf")
      let machine = #"{"addresses":["52:54:00:00:00:01"],"modules":["modules/own.nix"]}"#
      try write(machine, to: folder + "/machines/node1.json")
      let agent = root + "/agent"
      try write("the agent", to: agent)
      try write(#""first""#, to: folder + "/modules/own.nix")
      try await seeNode1(in: appliance.data())
      let environment = ["HOME=\(home)", "NIX_CONF_DIR=\(home)", "NIX_REMOTE=\(home)/store", "NIX_PATH="]
      try await appliance.serving(["--templates", templates, "--agent", agent], environment: environment) {
        func closure() async throws -> String? {
          let shown = try await appliance.bootstead("machine", "show", "node1", "--json").json as? [String: Any]
          return (shown?["machine"] as? [String: Any])?["closure"] as? String
        }
        func apply() async throws {
          let applied = try await appliance.bootstead("apply", "-f", folder, "--yes")
          #expect(applied.status == 0, "\(applied)")
        }
        try await apply()
        let built = try await appliance.bootstead("build", "node1")
        #expect(built.status == 0 && built.errors.contains("building node1"), "\(built)")
        let first = try #require(try await closure())
        #expect(built.output.contains(first) && first.hasSuffix("-nixos-system-node1"))
        let content = try await appliance.bootstead("closure", "show", first)
        #expect(content.status == 0 && content.output.contains("signed by bootstead-"), "\(content)")
        #expect(try await appliance.bootstead("machine", "show", "node1").output.contains("built      \(first)"))

        try write("{ x = undefinedvar; }", to: folder + "/modules/own.nix")
        try await apply()
        let failed = try await appliance.bootstead("build", "--all")
        #expect(failed.status == 1 && failed.errors.contains("undefined variable 'undefinedvar'"), "\(failed)")
        #expect(failed.errors.contains("at modules/own.nix:1:7"), "\(failed)")
        #expect(try await closure() == first)

        try write(#""second""#, to: folder + "/modules/own.nix")
        try await apply()
        #expect(try await appliance.bootstead("build", "--all").status == 0)
        #expect(try await closure() != first)
        #expect((try await appliance.bootstead("closure", "list", "--json").json as? [Any])?.count == 2)
        // Only archives stay in the folder of flakes.
        #expect(try FileManager.default.contentsOfDirectory(atPath: appliance.data() + "/flakes") == [])
      }
    }
  }
}
