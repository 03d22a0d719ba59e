import Foundation
import Lab
import Testing

@Suite(
  "Machines that already run Linux, taken over by kexec", .serialized,
  .enabled(if: LabSetting.isPossible, "needs root, qemu-system-x86, ovmf and dnsmasq: see 'make test'"))
struct TakeoverTests {
  @Test("over SSH, with a static address: old Debian becomes an active node, and is named before it ends")
  func staticAddress() async throws {
    try await LabSetting.lab("takeover-static") { lab in
      let old = try await OldMachine.make(
        name: "edge1", mac: "52:54:00:88:00:01", network: .fixed, source: LabSetting.source,
        artifacts: LabSetting.folder + "/artifacts", folder: lab.folder)
      try await lab.boot(old.configuration) { machine in
        try await machine.wait(for: "old debian: ready", seconds: 300)
        let before = try await old.disk.copy(to: lab.folder + "/before.raw")
        // Consent for another disk is none for this one.
        await #expect(throws: LabError.self) {
          try await takeOver(lab, old, at: "10.77.0.50", ["--wipe", "OTHER", "--yes", "--host-key", hostKey(lab)])
        }
        try await old.disk.mustEqual(before)
        try await takeOver(lab, old, at: "10.77.0.50", ["--wipe", "OLD1", "--yes"])
        try await machine.wait(for: "micro-installer, kernel", seconds: 300)
        try await lab.wait(for: "edge1", of: machine, seconds: 1200, what: "the node's own report") {
          $0.state == "active"
        }
        #expect(machine.console.text.contains("10.77.0.50/24"))
        #expect(!machine.console.text.contains("asking for an address on"))
      }
    }
  }

  private func hostKey(_ lab: Lab) async throws -> String {
    let shown = try await LabTool.run(
      "ip", ["netns", "exec", lab.network.applianceNamespace, "ssh-keyscan", "-t", "ed25519", "10.77.0.50"])
    let path = lab.folder + "/shown"
    try Data(shown.utf8).write(to: URL(fileURLWithPath: path))
    let words = try await LabTool.run("ssh-keygen", ["-l", "-f", path]).split(separator: " ")
    return String(try #require(words.first { $0.hasPrefix("SHA256:") }))
  }

  @discardableResult
  private func takeOver(_ lab: Lab, _ old: OldMachine, at host: String, _ arguments: [String]) async throws -> String {
    // Without its debug information, as it is installed.
    let agent = lab.folder + "/bootstead-agent"
    try await LabTool.run("strip", ["-o", agent, LabSetting.agent])
    return try await lab.appliance.runInside(
      lab.network,
      [
        "kexec", "root@\(host)", "--name", old.configuration.name, "--closure", lab.closure, "--identity",
        old.identity, "--agent", agent,
      ] + arguments)
  }
}
