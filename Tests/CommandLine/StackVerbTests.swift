import Foundation
import Testing

@Suite(
  "Stacks of a declared fleet on the command line",
  .enabled(if: ApplianceProcess.isPossible, "needs root and a built bootstead"))
struct StackVerbTests {
  @Test("stacks are compiled into the flake, refused with their line, and their secrets are told and made")
  func stacks() async throws {
    try await withAppliance { appliance in
      let files = DeclareVerbTests()
      try await files.seeNode1(in: appliance.data())
      let folder = appliance.folder.path + "/fleet"
      let wiki = try String(
        contentsOfFile: DeclareVerbTests.source + "/templates/checks/exported/stacks/wiki/compose.yaml",
        encoding: .utf8)
      try files.write(
        #"{"addresses":["52:54:00:00:00:01"],"roles":["docker-host"],"stacks":["wiki","uptime"]}"#,
        to: folder + "/machines/node1.json")
      try files.write(wiki, to: folder + "/stacks/wiki/compose.yaml")
      try files.write("for trying it out", to: folder + "/stacks/wiki/secrets/SESSION_KEY")
      let templates = DeclareVerbTests.source + "/templates"
      try await appliance.serving(["--templates", templates]) {
        let applied = try await appliance.bootstead("apply", "-f", folder, "--yes")
        #expect(applied.status == 0, "\(applied)")
        let output = appliance.folder.path + "/exported"
        let exported = try await appliance.bootstead("machine", "flake", "node1", "-o", output)
        #expect(exported.status == 0, "\(exported)")
        #expect(FileManager.default.fileExists(atPath: output + "/stacks/wiki/compose.yaml"))
        #expect(!FileManager.default.fileExists(atPath: output + "/stacks/wiki/secrets"))
        // By hand the same comes out.
        let byHand = try await appliance.bootstead(
          "stack", "compile", "-f", output + "/machines/node1.json", "--templates", templates)
        #expect(byHand.status == 0, "\(byHand)")
        // Refused, too: with the line of the setting, and the rule.
        let choices = appliance.folder.path + "/choices.json"
        for (change, said) in [
          (#""settings":{"uptime":{"sizes":{\n"data":"5GB"}}}"#, "4: parameter: "),
          (#""settings":{"uptime":{\n\n"exposure":"all"}}"#, "5: schema: "),
          (#"\n\n\n"placement":{"films":"/srv"}"#, "6: schema: "),
        ] {
          let text = #"{"name":"node1","system":"x86_64-linux",\n"stacks":["uptime"],\n"settings":{"stacks":{"#
          try files.write((text + change + "}}}").replacing(#"\n"#, with: "\n"), to: choices)
          let refused = try await appliance.bootstead("stack", "compile", "-f", choices, "--templates", templates)
          #expect(refused.status == 1 && refused.errors.contains(choices + ":" + said), "\(refused)")
        }
        #expect(byHand.output == (try String(contentsOfFile: output + "/stacks/node1.json", encoding: .utf8)))

        try files.write(
          wiki.replacing("wiki:1.4.2", with: "wiki:latest"), to: folder + "/stacks/wiki/compose.yaml")
        for verb in [["plan", "-f", folder], ["apply", "-f", folder, "--yes"]] {
          let bad = try await ApplianceProcess.run(
            ApplianceProcess.program, verb, environment: ["BOOTSTEAD_SOCKET": appliance.socket()])
          #expect(bad.status == 1 && bad.errors.contains("stacks/wiki/compose.yaml:4: image-pinned: "), "\(bad)")
        }
        let unknown = try await appliance.bootstead("machine", "set", "node1", "--stacks", "uptime,fotos")
        #expect(
          unknown.status == 1 && unknown.errors.contains("machines/node1.json:1: dependency: ")
            && unknown.errors.contains("no stack 'fotos'"), "\(unknown)")
        #expect(try await appliance.bootstead("machine", "show", "node1").output.contains("stacks     wiki, uptime"))

        let missing = try await appliance.bootstead("stack", "secrets", "node1")
        #expect(missing.status == 1 && missing.output.contains("wiki-session-key"), "\(missing)")
        let shown = try await appliance.bootstead("machine", "show", "node1").output
        #expect(shown.contains("not stored yet: wiki-session-key (wiki: SESSION_KEY)"), "\(shown)")
        let made = try await appliance.bootstead("stack", "secrets", "node1", "--make", "--json")
        let secrets = (made.json as? [String: Any])?["secrets"] as? [[String: Any]]
        #expect(made.status == 0 && secrets?.map { $0["isStored"] as? Bool } == [true], "\(made)")
        #expect(try await !appliance.bootstead("machine", "show", "node1").output.contains("not stored yet"))
        #expect(try await appliance.bootstead("stack", "secrets", "none").status == 4)
        #expect(try await appliance.bootstead("rebuild", "node1", "--restore", "yesterday").status == 64)
      }
    }
  }
}
