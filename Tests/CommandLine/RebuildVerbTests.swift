import AgentProtocol
import BootDecision
import DiskLayout
import Fleet
import Foundation
import NetworkAddress
import Testing

@Suite(
  "Rebuild, wipe and forget on the command line",
  .enabled(if: ApplianceProcess.isPossible, "needs root and a built bootstead"))
struct RebuildVerbTests {
  static let closure = "/nix/store/" + String(repeating: "0", count: 32) + "-nixos-system-node1"
  static let group = "Zt4nWq-1a2B-c3D4-e5F6-g7H8-i9J0-kLmNoP"

  /// A registry with a machine, installed and active, for an appliance that does not run yet.
  /// - Returns: the key of its node.
  @discardableResult
  func install(in data: String, name: String = "node1", mac: String = "525400000001") async throws -> SigningPrivateKey
  {
    try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
    let fleet = try Fleet(path: data + "/fleet.sqlite")
    let applianceKey = try SigningPrivateKey()
    var request = AddMachine(
      name: try MachineName(name), addresses: [try MACAddress(mac)], layout: LayoutSpec())
    request.closure = Self.closure
    _ = try await fleet.add(request)
    let boot = try await fleet.boot(
      BootContact(mac: try MACAddress(mac), uuid: nil, serial: nil, product: nil, platform: nil),
      enrolment: .closed)
    let nonce = try BootNonce(boot.nonce ?? "")
    let (key, node, identity) = (try SigningPrivateKey(), try SigningPrivateKey(), AgeIdentity())
    let session = try await fleet.begin(BeginRequest(bootNonce: nonce), applianceKey: applianceKey.publicKey).session
    func signed(_ counter: UInt64) throws -> SignedRequest {
      try SignedRequest.sign(method: "POST", path: "/", body: [], session: session, counter: counter, key: key)
    }
    let inventory = MachineInventory(
      processor: .init(architecture: "x86_64", threads: 1), memoryBytes: 1 << 30, firmware: .init(kind: .bios),
      disks: DiskInventory(disks: [Disk(id: "ata-D_SN1", node: "/dev/sda", size: 500 << 30, bus: .sata, serial: "SN1")])
    )
    _ = try await fleet.hello(
      HelloRequest(
        session: session, bootNonce: nonce, agentKey: key.publicKey, recipient: identity.recipient,
        agentNonce: ClaimNonce(), inventory: inventory), signed: try signed(1), applianceKey: applianceKey.publicKey)
    guard case .install(let task) = try await fleet.task(signed: signed(2), source: InstallSource(cachePublicKeys: []))
    else { throw ApplianceProcess.NotReady(description: "no install") }
    let state = SavedDiskState(
      task: task.identifier, partitionTables: ["../ata-D_SN1": "label: gpt\n"], volumeGroups: ["data": "data {\n}\n"])
    try await fleet.saved(state, signed: signed(3))
    try await fleet.progress(
      ProgressReport(step: .disks, detail: "", logLines: ["sfdisk began"]), signed: signed(4))
    try await fleet.installed(
      InstalledReport(
        task: task.identifier, nodeKey: node.publicKey, nodeRecipient: identity.recipient,
        disks: [
          InstalledDisk(identifier: "ata-D_SN1", serial: "SN1", volumeGroupName: "data", volumeGroupUUID: Self.group)
        ], closure: Self.closure), signed: signed(5))
    let report = try SignedRequest.sign(
      method: "POST", path: "/", body: [], session: SessionIdentifier(node: node.publicKey), counter: 1, key: node)
    try await fleet.report(
      NodeReport(
        machineName: name, nodeKey: node.publicKey, closure: Self.closure, kernel: "6", bootIdentifier: "b",
        uptime: 1), signed: report)
    try fleet.close()
    return node
  }

  @Test("a rebuild is shown, refused without consent, armed with it, and everything is told in JSON too")
  func verbs() async throws {
    try await withAppliance { appliance in
      try await install(in: appliance.data())
      try await appliance.serving {
        func state() async throws -> String? {
          let shown = try await appliance.bootstead("machine", "show", "node1", "--json").json as? [String: Any]
          return (shown?["machine"] as? [String: Any])?["state"] as? String
        }
        let dry = try await appliance.bootstead("rebuild", "node1", "--dry-run")
        #expect(dry.status == 0 && dry.errors.isEmpty, "\(dry)")
        for text in ["ata-D_SN1", "serial SN1", Self.group, "data/pool", "bootstead-system", Self.closure] {
          #expect(dry.output.contains(text), "\(text) in \(dry.output)")
        }
        let preview = try await appliance.bootstead("rebuild", "node1", "--dry-run", "--json").json as? [String: Any]
        #expect((preview?["kept"] as? [String: Any])?["uuid"] as? String == Self.group)
        for arguments in [
          ["rebuild", "node1"], ["rebuild", "node1", "--json"], ["machine", "forget", "node1"],
          ["machine", "wipe", "node1", "--disk", "SN1"],
        ] {
          // There is no terminal, and what comes on standard input is no answer.
          let ended = try await ApplianceProcess.run(
            ApplianceProcess.program, arguments, input: "yes\n", environment: ["BOOTSTEAD_SOCKET": appliance.socket()])
          #expect(ended.status == 5 && ended.errors.contains("--yes"), "\(arguments): \(ended)")
        }
        #expect(try await state() == "active")
        let rebuild = try await appliance.bootstead("rebuild", "node1", "--yes", "--now")
        #expect(rebuild.status == 0 && rebuild.output.contains("node1 is armed for 1440 minutes"), "\(rebuild)")
        #expect(rebuild.output.contains("hears within"), "\(rebuild)")
        let again = try await appliance.bootstead("rebuild", "node1", "--yes", "--repair-pool", "--json")
        let machine = (again.json as? [String: Any])?["machine"] as? [String: Any]
        #expect(
          again.status == 0 && (machine?["machine"] as? [String: Any])?["state"] as? String == "armed", "\(again)")
        let shown = try await appliance.bootstead("machine", "show", "node1")
        for text in ["keeps the volume group \(Self.group)", "may repair the pool", "recorded   ata-D_SN1"] {
          #expect(shown.output.contains(text), "\(text) in \(shown.output)")
        }
        let saved = try await appliance.bootstead("machine", "saved", "node1")
        #expect(saved.output.contains("label: gpt") && saved.output.contains("# volume group data"), "\(saved)")
        let folder = appliance.folder.path + "/saved"
        let written = try await appliance.bootstead("machine", "saved", "node1", "--output", folder, "--json")
        let files = try #require((written.json as? [String: [String]])?["written"])
        #expect(files.count == 2 && files.allSatisfy { $0.hasPrefix(folder + "/") && !$0.contains("/../") }, "\(files)")
        #expect(
          try files.map { try String(contentsOfFile: $0, encoding: .utf8) }.sorted() == ["data {\n}\n", "label: gpt\n"])
        let log = try await appliance.bootstead("machine", "log", "node1")
        #expect(log.status == 0 && log.output.contains("sfdisk began"), "\(log)")
        let wipe = try await appliance.bootstead("machine", "wipe", "node1", "--disk", "SN1", "--yes")
        #expect(wipe.status == 0 && wipe.output.contains("SN1") && wipe.output.contains("is armed"), "\(wipe)")
        let forget = try await appliance.bootstead("machine", "forget", "node1", "--yes", "--json")
        #expect(forget.json as? [String: String] == ["forgotten": "node1"], "\(forget)")
        #expect(try await appliance.bootstead("machine", "show", "node1").status == 4)
      }
    }
  }

  @Test(
    "on a terminal it asks, and nothing but yes is consent",
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/script"), "needs script of util-linux"),
    arguments: [("yes", 0), ("no", 5), ("", 5), ("y", 5)] as [(String, Int32)])
  func prompt(answer: String, status: Int32) async throws {
    try await withAppliance { appliance in
      try await install(in: appliance.data())
      try await appliance.serving {
        let ended = try await ApplianceProcess.run(
          "/usr/bin/script", ["-qec", "\(ApplianceProcess.program) rebuild node1", "/dev/null"], input: answer + "\n",
          environment: ["BOOTSTEAD_SOCKET": appliance.socket()])
        #expect(ended.status == status && ended.output.contains("Rebuild node1 like this?"), "\(ended)")
        let shown = try await appliance.bootstead("machine", "list")
        #expect(shown.output.contains(status == 0 ? "armed" : "active"), "\(shown)")
      }
    }
  }

  @Test("a machine that boots again and again without a word is held, and why and show say so")
  func held() async throws {
    try await withAppliance { appliance in
      try FileManager.default.createDirectory(atPath: appliance.data(), withIntermediateDirectories: true)
      let fleet = try Fleet(path: appliance.data() + "/fleet.sqlite")
      let mac = try MACAddress("525400000001")
      _ = try await fleet.add(AddMachine(name: try MachineName("node1"), addresses: [mac], layout: LayoutSpec()))
      for _ in 0..<5 {
        _ = try await fleet.boot(
          BootContact(mac: mac, uuid: nil, serial: nil, product: nil, platform: nil), enrolment: .closed)
      }
      try fleet.close()
      try await appliance.serving {
        let text = "5 boots in 10 minutes, and no agent that stayed for 60 seconds"
        #expect(try await appliance.bootstead("why", "node1").output.contains(text))
        #expect(try await appliance.bootstead("machine", "show", "node1").output.contains(text))
        _ = try await appliance.bootstead("machine", "approve", "node1")
        #expect(try await !appliance.bootstead("why", "node1").output.contains(text))
      }
    }
  }

  @Test("wrong names, serials, addresses and values are refused with what was expected and what was found")
  func badInput() async throws {
    try await withAppliance { appliance in
      try await install(in: appliance.data())
      try await appliance.serving {
        _ = try await appliance.bootstead("machine", "add", "--mac", "525400000002", "--name", "node2")
        for (status, arguments, mentions) in [
          (4, ["rebuild", "none", "--yes"], ["none"]),
          (4, ["machine", "wipe", "none", "--disk", "a", "--yes"], ["none"]),
          (4, ["machine", "forget", "none", "--yes"], ["none"]), (4, ["machine", "saved", "none"], ["none"]),
          (4, ["machine", "log", "none"], ["none"]),
          (1, ["rebuild", "node2", "--yes"], ["nothing is on record", "armed"]),
          (1, ["rebuild", "node1", "--yes", "--lose-data", "SN9"], ["SN9", "SN1"]),
          (1, ["rebuild", "node1", "--yes", "--replace-disk", "SN9=SN2"], ["SN9", "SN1"]),
          (1, ["rebuild", "node1", "--yes", "--replace-disk", "SN1=SN2"], ["--lose-data SN1", Self.group]),
          (1, ["rebuild", "node1", "--yes", "--wipe", "SN1"], ["SN1", "--lose-data"]),
          (1, ["rebuild", "node1", "--yes", "--replace-mac", "525400000002"], ["node2"]),
          (1, ["rebuild", "node1", "--yes", "--replace-mac", "nonsense"], ["nonsense"]),
          (1, ["rebuild", "node1", "--yes", "--replace-mac", "525400000009=525400000008"], ["52:54:00:00:00:01"]),
          (1, ["rebuild", "node1", "--yes", "--closure", "/etc"], ["/etc"]),
          (1, ["rebuild", "node1", "--yes", "--window", "0"], ["window"]),
          (1, ["machine", "wipe", "node1", "--disk", "SN9", "--yes"], ["SN9", "SN1"]),
          (1, ["machine", "approve", "node1"], ["bootstead rebuild node1"]),
          (1, ["machine", "set", "node1", "--uuid", "ffffffff-ffff-ffff-ffff-ffffffffffff"], ["placeholder"]),
          (64, ["rebuild", "node1", "--fingerprint", "some"], ["some"]),
          (64, ["rebuild", "node1", "--replace-disk", "SN1"], ["OLD=NEW"]),
          (64, ["machine", "wipe", "node1"], ["--disk"]),
        ] as [(Int32, [String], [String])] {
          let ended = try await ApplianceProcess.run(
            ApplianceProcess.program, arguments, environment: ["BOOTSTEAD_SOCKET": appliance.socket()])
          #expect(ended.status == status, "\(arguments): \(ended)")
          for text in mentions { #expect(ended.errors.contains(text), "\(arguments): \(ended)") }
        }
        let shown = try await appliance.bootstead("machine", "list")
        #expect(shown.output.contains("active"), "\(shown)")
      }
    }
  }
}
