import Foundation
import Testing

@Suite(
  "bootkit against a running appliance", .enabled(if: ApplianceProcess.isPossible, "needs root and a built bootstead"))
struct BootkitTests {
  private static let canBuild = [
    "/usr/bin/xorriso", "/usr/bin/mformat", "/usr/lib/grub/i386-pc/linux16.mod", "/usr/lib/ipxe/ipxe.lkrn",
  ].allSatisfy { FileManager.default.fileExists(atPath: $0) }

  @Test("a kit is written for a machine that exists, and for any", .enabled(if: canBuild, "needs ipxe, xorriso, …"))
  func write() async throws {
    try await withAppliance { appliance in
      try await appliance.serving {
        _ = try await appliance.bootstead("machine", "add", "--mac", "52:54:00:00:00:01", "--name", "node1")
        let file = appliance.data("kit.img")
        let text = try await appliance.bootstead("bootkit", "node1", "-o", file)
        #expect(text.status == 0 && text.output.contains("a boot kit for node1"), "\(text)")
        #expect(text.errors.contains("100 %"))
        let image = try Data(contentsOf: URL(fileURLWithPath: file))
        for line in ["set bs-base http://192.0.2.1:8080\n", "52:54:00:00:00:01 && goto port"] {
          #expect(image.range(of: Data(line.utf8)) != nil)
        }

        let again = try await appliance.bootstead("bootkit", "--any", "-o", file)
        #expect(again.status == 1 && again.errors.contains("--force replaces it"), "\(again)")
        let forced = try await appliance.bootstead("bootkit", "--any", "-o", file, "--force", "--json")
        let answer = try #require(forced.json as? [String: Any], "\(forced)")
        #expect(answer["appliance"] as? String == "http://192.0.2.1:8080")
        let size = try Data(contentsOf: URL(fileURLWithPath: file)).count
        #expect(answer["size"] as? Int == size)
        #expect((answer["loaders"] as? [String: String])?["BOOTX64.EFI"] != nil)
      }
    }
  }

  @Test("a machine that does not exist, and options that do not fit together, are refused before anything is written")
  func refused() async throws {
    try await withAppliance { appliance in
      try await appliance.serving {
        let file = appliance.data("kit.img")
        for (arguments, status, reason) in [
          (["nobody"], 4, "there is no machine 'nobody'"), ([], 64, "name one machine, or give --any"),
          (["node1", "--any"], 64, "name one machine, or give --any"),
          (["--any", "--gateway", "192.0.2.1"], 64, "belong to --address"),
          (["--any", "--address", "192.0.2.5"], 1, "192.0.2.5/24"),
          (["--any", "--appliance", "ftp://192.0.2.1"], 1, "http://"),
          (["--any", "--efi", "/etc/passwd"], 1, "no EFI program"),
        ] {
          let ended = try await ApplianceProcess.run(
            ApplianceProcess.program, ["bootkit", "-o", file] + arguments,
            environment: ["BOOTSTEAD_SOCKET": appliance.socket()])
          #expect(ended.status == Int32(status) && ended.errors.contains(reason), "\(arguments): \(ended)")
        }
        #expect(!FileManager.default.fileExists(atPath: file))
      }
    }
  }

  @Test("a kit for any machine needs no running appliance where its address is given", .enabled(if: canBuild))
  func offline() async throws {
    try await withAppliance { appliance in
      let file = appliance.folder.path + "/kit.img"
      let ended = try await appliance.bootstead(
        "bootkit", "--any", "--appliance", "http://192.0.2.77:8080", "-o", file)
      #expect(ended.status == 0 && ended.output.contains("appliance http://192.0.2.77:8080"), "\(ended)")
      let failed = try await appliance.bootstead("bootkit", "--any", "-o", file, "--force")
      #expect(failed.status == 3, "\(failed)")
    }
  }
}
