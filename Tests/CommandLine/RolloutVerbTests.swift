import Foundation
import NixFormats
import NixTestSupport
import Testing

@Suite(
  "Changing the systems of running nodes on the command line",
  .enabled(if: ApplianceProcess.isPossible, "needs root and a built bootstead"))
struct RolloutVerbTests {
  static let missing = "/nix/store/" + String(repeating: "1", count: 32) + "-nixos-system-node1-2"

  @Test("without a terminal and without --yes, apply ends with 5 after it has shown the plan, and orders nothing")
  func withoutConsent() async throws {
    try await withAppliance { appliance in
      try await RebuildVerbTests().install(in: appliance.data())
      let (cache, wanted) = (
        try CacheFixture(at: appliance.folder.path + "/cache"), try PathFixture("system", .text(""))
      )
      try cache.add(wanted)
      let closure = "/nix/store/\(wanted.storePath.baseName)"
      try await appliance.serving {
        #expect(try await appliance.bootstead("closure", "import", cache.path).status == 0)
        #expect(try await appliance.bootstead("machine", "set", "node1", "--closure", closure).status == 0)
        for arguments in [["node1"], ["--all"], ["node1", "--json"], ["--all", "--canary", "node1"]] {
          // What comes on standard input is no answer.
          let ended = try await ApplianceProcess.run(
            ApplianceProcess.program, ["apply"] + arguments, input: "yes\n",
            environment: ["BOOTSTEAD_SOCKET": appliance.socket()])
          #expect(ended.status == 5 && ended.errors.contains("--yes"), "\(arguments): \(ended)")
          if !arguments.contains("--json") { #expect(ended.output.contains("node1"), "\(arguments): \(ended)") }
        }
        #expect(try await appliance.bootstead("history", "node1").output.contains("never told"))
        // With consent the same is ordered: it was the consent that was missing.
        let ordered = try await appliance.bootstead("apply", "node1", "--yes")
        #expect(ordered.status == 0, "\(ordered)")
        #expect(try await appliance.bootstead("history", "node1").output.contains(closure))
      }
    }
  }

  @Test("drift is shown; what can not be done is refused with the reason, and nothing is ordered")
  func verbs() async throws {
    try await withAppliance { appliance in
      try await RebuildVerbTests().install(in: appliance.data())
      try await appliance.serving {
        let plan = try await appliance.bootstead("plan")
        #expect(plan.status == 0 && plan.output.contains("node1: nothing (it runs that already)"), "\(plan)")
        let nothing = try await appliance.bootstead("apply", "--all")
        #expect(nothing.status == 0 && nothing.errors.isEmpty, "\(nothing)")

        #expect(try await appliance.bootstead("machine", "set", "node1", "--closure", Self.missing).status == 0)
        let shown = try await appliance.bootstead("machine", "show", "node1")
        #expect(shown.output.contains("drift") && shown.output.contains("bootstead plan node1"), "\(shown)")
        #expect(try await appliance.bootstead("machine", "list").output.contains("drift, "))
        let json = try await appliance.bootstead("plan", "node1", "--json").json as? [String: Any]
        let step = (json?["steps"] as? [[String: Any]])?.first
        #expect(step?["action"] as? String == "refused" && step?["wanted"] as? String == Self.missing)
        for (status, arguments, mentions) in [
          (1, ["apply", "node1", "--yes"], ["not in the cache", "nothing was ordered"]),
          (1, ["apply", "--all", "--yes"], ["not in the cache"]),
          (1, ["rollback", "node1", "--yes"], ["no earlier good system", "bootstead history node1"]),
          (1, ["machine", "release", "node1", "--yes"], ["bootstead fleet golden"]),
          (1, ["fleet", "golden", "/etc"], ["/etc"]), (4, ["fleet", "golden", Self.missing], ["not in the cache"]),
          (4, ["diff", "node1"], ["not in the cache"]), (4, ["history", "none"], ["none"]),
          (4, ["plan", "none"], ["none"]), (4, ["apply", "none", "--yes"], ["none"]),
          (1, ["apply", "node1", "--unit=--now", "--yes"], ["unit", "caddy.service"]),
          (1, ["apply", "node1", "--seconds", "9", "--yes"], ["seconds", "3600"]),
          (64, ["apply"], ["--all"]), (64, ["apply", "node1", "--all"], ["--all"]),
        ] as [(Int32, [String], [String])] {
          let ended = try await ApplianceProcess.run(
            ApplianceProcess.program, arguments, environment: ["BOOTSTEAD_SOCKET": appliance.socket()])
          #expect(ended.status == status, "\(arguments): \(ended)")
          for text in mentions { #expect(ended.errors.contains(text), "\(arguments): \(ended)") }
        }
        let history = try await appliance.bootstead("history", "node1")
        #expect(history.status == 0 && history.output.contains("never told"), "\(history)")
      }
    }
  }
}
