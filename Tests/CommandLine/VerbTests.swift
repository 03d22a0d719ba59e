import Foundation
import Testing

@Suite(
  "The command line against a running appliance",
  .enabled(if: ApplianceProcess.isPossible, "needs root and a built bootstead"))
struct VerbTests {
  @Test("every verb does its work, prints text for people and JSON for programs")
  func everyVerb() async throws {
    try await withAppliance { appliance in
      try await appliance.serving(["--log-level", "trace"]) {
        func text(_ arguments: String..., input: String = "", contains expected: String) async throws {
          let ended = try await ApplianceProcess.run(
            ApplianceProcess.program, arguments, input: input, environment: ["BOOTSTEAD_SOCKET": appliance.socket()])
          #expect(ended.status == 0 && ended.output.contains(expected), "\(arguments): \(ended)")
        }
        func json(_ arguments: String..., input: String = "") async throws -> Any {
          let ended = try await ApplianceProcess.run(
            ApplianceProcess.program, arguments + ["--json"], input: input,
            environment: ["BOOTSTEAD_SOCKET": appliance.socket()])
          #expect(ended.status == 0, "\(arguments): \(ended)")
          return try #require(ended.json, "\(arguments) printed no JSON: \(ended.output)")
        }
        func machine(_ value: Any) throws -> [String: Any] {
          try #require((value as? [String: Any])?["machine"] as? [String: Any])
        }
        let closure = "/nix/store/" + String(repeating: "0", count: 32) + "-nixos-system-node1"
        let secret = "correct horse battery staple"

        try await text("version", contains: "bootstead ")
        #expect((try await json("version") as? [String: String])?["version"]?.isEmpty == false)
        try await text("status", contains: "192.0.2.1 on lan")
        #expect((try await json("status") as? [String: Any])?["httpPort"] as? Int == 8080)
        try await text("enrolment", contains: "closed")
        try await text("enrolment", "inventory", contains: "inventory")
        #expect((try await json("enrolment") as? [String: String])?["enrolment"] == "inventory")
        try await text("machine", "list", contains: "no machines yet")
        let added = try machine(
          await json(
            "machine", "add", "--mac", "52-54-00-00-00-01", "--mac", "525400000002", "--name", "node1", "--role",
            "docker-host", "--stack", "photos", "--closure", closure, "--volume", "appdata:8GiB:/srv/appdata"))
        #expect(added["state"] as? String == "armed" && added["closure"] as? String == closure)
        try await text("machine", "add", "--mac", "52:54:00:00:00:03", "--name", "node2", contains: "node2 is armed")
        try await text("machine", "list", contains: "52:54:00:00:00:01,52:54:00:00:00:02")
        #expect((try await json("machine", "list") as? [Any])?.count == 2)
        try await text("machine", "show", "52:54:00:00:00:02", contains: "name       node1")
        #expect(try machine(await json("machine", "show", "node1"))["role"] as? String == "docker-host")
        try await text("machine", "set", "node1", "--role", "", "--reply-delay", "100", contains: "node1 is set")
        #expect(try machine(await json("machine", "set", "node1", "--next-boot", "rescue"))["role"] == nil)
        try await text("machine", "approve", "node1", "--wipe", "SN1", contains: "node1 is armed")
        #expect((try await json("machine", "approve", "node1") as? [String: Any])?["consents"] as? [String] == ["SN1"])
        try await text("machine", "secret", "node1", "token", input: secret, contains: "the secret 'token' is stored")
        _ = try await json("machine", "secret", "node1", "other", input: secret)
        #expect(try await !appliance.bootstead("machine", "show", "node1", "--json").output.contains("horse"))
        try await text("machine", "rename", "node2", "attic", contains: "attic")
        #expect(try machine(await json("machine", "rename", "attic", "node2"))["name"] as? String == "node2")
        try await text("why", "node1", contains: "node1 is armed")
        #expect((try await json("why", "node1") as? [String: Any])?["decisions"] as? [String] == [])
        let watch = try await appliance.bootstead("watch", "node1", "--timeout", "1")
        #expect(watch.status == 1 && watch.output.contains("[armed] one install armed"), "\(watch)")
        let inventory = appliance.folder.path + "/inventory.json"
        try Data(#"{"disks":[],"controllers":[]}"#.utf8).write(to: URL(fileURLWithPath: inventory))
        let preview = try await appliance.bootstead("layout", "preview", "--inventory", inventory)
        #expect(preview.status == 1 && preview.errors.contains("disk"), "\(preview)")

        try await text("closure", "list", contains: "no closures yet")
        _ = try await json("closure", "list")
        try await text("closure", "gc", contains: "0 paths removed")
        _ = try await json("closure", "gc")
        try await text("closure", "token", contains: "bst_")
        let token = try await appliance.bootstead("closure", "token").output

        let kernel = appliance.folder.path + "/kernel"
        var bytes = Data(count: 1000)
        bytes.replaceSubrange(0x202..<0x206, with: Data("HdrS".utf8))
        try bytes.write(to: URL(fileURLWithPath: kernel))
        try await text("image", "add", "installer", "--kernel", kernel, "--initrd", kernel, contains: "is stored")
        _ = try await json("image", "add", "other", "--kernel", kernel, "--initrd", kernel)
        try await text("image", "list", contains: "installer")
        #expect((try await json("image", "list") as? [Any])?.count == 2)
        try await text("image", "remove", "other", contains: "removed")
        _ = try await json("image", "remove", "installer")
        try await text("loader", "add", kernel, "--name", "own.efi", "--architecture", "efiX64", contains: "own.efi")
        _ = try await json("loader", "add", kernel, "--name", "own2.efi", "--architecture", "efiX64")
        try await text("loader", "list", contains: "own.efi")
        _ = try await json("loader", "list")
        try await text("loader", "remove", "own.efi", contains: "removed")
        _ = try await json("loader", "remove", "own2.efi")
        try await text("machine", "remove", "node2", contains: "forgotten")
        _ = try await json("machine", "remove", "node1")

        let log = appliance.log
        #expect(!log.contains("horse") && !log.contains(token.trimmingCharacters(in: .whitespacesAndNewlines)))
      }
    }
  }

  @Test("wrong input ends with the code that the help names, and one message on stderr")
  func wrongInput() async throws {
    try await withAppliance { appliance in
      try await appliance.serving {
        let added = try await appliance.bootstead("machine", "add", "--mac", "525400000001", "--name", "node1")
        #expect(added.status == 0, "\(added)")
        let absent = "/nix/store/" + String(repeating: "0", count: 32) + "-absent"
        let add = ["machine", "add", "--mac", "525400000002", "--name", "node2"]
        for (status, arguments) in [
          (4, ["machine", "show", "none"]), (4, ["machine", "show", "ñandú"]), (4, ["machine", "show", "../x"]),
          (4, ["machine", "show", "a b%2f\n"]), (4, ["machine", "remove", "none"]), (4, ["machine", "set", "none"]),
          (4, ["machine", "approve", "none"]), (4, ["machine", "rename", "none", "other"]), (4, ["why", "none"]),
          (4, ["machine", "secret", "none", "name"]), (4, ["watch", "none"]), (4, ["layout", "preview", "none"]),
          (4, ["image", "remove", "none"]), (4, ["loader", "remove", "none"]), (4, ["closure", "show", absent]),
          (4, ["closure", "remove", absent]),
          (1, ["machine", "add", "--mac", "nonsense", "--name", "node2"]), (1, ["machine", "show", ""]),
          (1, ["machine", "add", "--mac", "525400000002", "--name", "Node_2"]),
          (1, ["machine", "add", "--mac", "525400000001", "--name", "node2"]),
          (1, ["machine", "add", "--mac", "525400000002", "--name", "node1"]),
          (1, ["machine", "add", "--mac", "ff:ff:ff:ff:ff:ff", "--name", "node2"]),
          (1, add + ["--uuid", "no"]), (1, add + ["--closure", "/etc"]), (1, add + ["--window", "0"]),
          (1, add + ["--window", "9223372036854775807"]), (1, add + ["--window=-9223372036854775808"]),
          (1, ["machine", "set", "node1", "--next-boot", "install"]),
          (1, ["machine", "set", "node1", "--add-mac", "x"]),
          (1, ["machine", "set", "node1", "--remove-mac", "525400000001"]),
          (1, ["machine", "set", "node1", "--image", "../x"]), (1, ["machine", "approve", "node1", "--code", "bogus"]),
          (1, ["machine", "rename", "node1", "-"]), (1, ["machine", "secret", "node1", "../x"]),
          (1, ["layout", "preview", "node1"]), (1, ["layout", "preview", "--inventory", "/none"]),
          (1, ["closure", "import", "/none"]), (1, ["closure", "show", "nonsense"]),
          (1, ["image", "add", "x", "--kernel", "/none", "--initrd", "/none"]),
          (1, ["image", "add", "x", "--kernel", "/etc/passwd", "--initrd", "/etc/passwd"]),
          (1, ["image", "add", "../x", "--kernel", "/etc/passwd", "--initrd", "/etc/passwd"]),
          (1, ["loader", "add", "/dev/zero", "--architecture", "bios"]),
          (1, ["loader", "add", "/", "--architecture", "bios"]),
          (1, ["loader", "add", "/etc/passwd", "--architecture", "vax"]), (1, ["enrolment", "sometimes"]),
          (64, ["bogus"]), (64, ["machine", "add", "--name", "node2"]),
          (64, ["machine", "add", "--mac", "525400000002"]),
          (64, add + ["--window", "soon"]), (64, add + ["--system-size", "big"]),
          (64, add + ["--system-size", "99999999999TiB"]), (64, add + ["--volume", "x"]),
          (64, ["machine", "set", "node1", "--offer-style", "odd"]),
          (64, ["machine", "set", "node1", "--reply-delay", "9999"]),
          (64, ["layout", "preview"]), (64, ["serve"]), (64, ["serve", "--interface", "lan", "--http-port", "0"]),
          (64, ["serve", "--interface", "lan", "--log-level", "loud"]),
          (64, ["serve", "--interface", "lan", "--console", "ttyS0 init=/bin/sh"]),
        ] as [(Int32, [String])] {
          for arguments in [arguments, arguments + ["--json"]] {
            if arguments.first == "serve" && arguments.last == "--json" { continue }
            let ended = try await ApplianceProcess.run(
              ApplianceProcess.program, arguments, input: "secret",
              environment: ["BOOTSTEAD_SOCKET": appliance.socket()])
            #expect(ended.status == status, "\(arguments): \(ended)")
            #expect(ended.output.isEmpty && !ended.errors.isEmpty, "\(arguments): \(ended)")
            #expect(
              !ended.errors.contains("DecodingError") && !ended.errors.contains("Swift."), "\(arguments): \(ended)")
          }
        }
        #expect(try await appliance.bootstead("machine", "list", "--json").json as? [Any] != nil)
      }
    }
  }

  @Test(
    "without an appliance every command says so and ends with 3",
    arguments: [
      ["status"], ["machine", "list"], ["machine", "show", "a"], ["machine", "remove", "a"], ["watch", "a"],
      ["why", "a"],
      ["closure", "list"], ["closure", "import", "/tmp"], ["image", "list"], ["loader", "list"], ["enrolment"],
    ])
  func unreachable(arguments: [String]) async throws {
    let ended = try await ApplianceProcess.run(
      ApplianceProcess.program, arguments + ["--socket", "/none/bootstead.sock"])
    #expect(ended.status == 3 && ended.errors.contains("bootstead serve"), "\(ended)")
  }

  @Test("completion scripts are made for each shell", arguments: ["bash", "zsh", "fish"])
  func completion(shell: String) async throws {
    let ended = try await ApplianceProcess.run(ApplianceProcess.program, ["--generate-completion-script", shell])
    #expect(ended.status == 0 && ended.output.contains("bootstead") && ended.output.contains("approve"))
    if shell == "bash" {
      let check = try await ApplianceProcess.run("/bin/bash", ["-n"], input: ended.output)
      #expect(check.status == 0, "\(check.errors)")
    }
  }
}
