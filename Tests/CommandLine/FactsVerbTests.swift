import Foundation
import Testing

@Suite(
  "Facts of the hardware against a running appliance",
  .enabled(if: ApplianceProcess.isPossible, "needs root and a built bootstead"))
struct FactsVerbTests {
  @Test("a policy is set, shown and taken back, and an examination waits for the agent")
  func policy() async throws {
    try await withAppliance { appliance in
      try await appliance.serving {
        _ = try await appliance.bootstead("machine", "add", "--mac", "52:54:00:00:00:01", "--name", "node1")
        let set = try await appliance.bootstead("machine", "set", "node1", "--hold-on", "drift,read-test")
        #expect(set.status == 0, "\(set)")
        #expect(
          try await appliance.bootstead("machine", "show", "node1").output.contains("hold on    drift, read-test"))
        let asked = try await appliance.bootstead("machine", "examine", "node1", "--check", "smart")
        #expect(asked.status == 0 && asked.output.contains("as soon as its agent waits in the installer: smart"))
        let json = try await appliance.bootstead("machine", "facts", "node1", "--json").json as? [String: Any]
        let standing = json?["standing"] as? [String: Any]
        #expect(standing?["holdOn"] as? [String] == ["drift", "read-test"])
        #expect(standing?["wanted"] as? [String] == ["smart"])
        _ = try await appliance.bootstead("machine", "set", "node1", "--hold-on", "")
        #expect(try await !appliance.bootstead("machine", "show", "node1").output.contains("hold on"))
      }
    }
  }

  @Test("what is not there is refused with the way out")
  func refused() async throws {
    try await withAppliance { appliance in
      try await appliance.serving {
        _ = try await appliance.bootstead("machine", "add", "--mac", "52:54:00:00:00:01", "--name", "node1")
        for (arguments, status, text) in [
          (["facts", "nobody"], 4, "there is no machine 'nobody'"), (["accept-facts", "nobody"], 4, "no machine"),
          (["examine", "nobody"], 4, "no machine"), (["accept-facts", "node1"], 1, "boot it first"),
          (["examine", "node1", "--check", "smrt"], 64, "is not smart or read-test"),
          (["set", "node1", "--hold-on", "drift,everything"], 64, "'everything' is not drift, smart or read-test"),
          (["facts", "node1"], 0, "nothing is known of node1 yet"),
          (["facts", "node1", "--diff"], 0, "nothing is known of node1 yet"),
        ] {
          let ended = try await ApplianceProcess.run(
            ApplianceProcess.program, ["machine"] + arguments, environment: ["BOOTSTEAD_SOCKET": appliance.socket()])
          #expect(
            ended.status == Int32(status) && (ended.output + ended.errors).contains(text), "\(arguments): \(ended)")
        }
      }
    }
  }
}
