import ArgumentParser
import Foundation
import OperatorAPI

struct MachineFlake: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "flake", abstract: "Print or export a machine's NixOS configuration as a flake.",
    discussion: """
      Build it with 'nix build DIR#nixosConfigurations.NAME.config.system.build.toplevel'. The running appliance \
      serves the same as /flake/NAME.tar.gz.
      """)

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "The machine's name or a MAC address of it.") var name: String
  @Option(name: .shortAndLong, help: "Write the whole flake into this folder, which is made.") var output: String?
  @Flag(help: "Replace files in a folder that is not empty.") var force = false

  private struct Written: Encodable {
    var machine: String
    var digest: String
    var nixpkgs: String?
    var folder: String
    var files: [String]
  }

  func run() async throws {
    try await reportingFailures {
      let path = "/v1/machines/\(pathComponent(name))/flake"
      guard let output else {
        let answer: FlakeAnswer = try await appliance.client.get(path)
        return try show(answer, json: appliance.json) {
          "# machines/\(answer.machine).json\n\(answer.configuration)\n# flake.nix\n\(answer.flake)\n"
            + "# digest \(answer.digest), served as \(answer.archive)"
        }
      }
      let folder = URL(fileURLWithPath: output)
      let present = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
      guard force || present.isEmpty else {
        throw CommandFailure.failed("\(folder.path) is not empty: name another folder, or add --force")
      }
      let answer: FlakeAnswer = try await appliance.client.get(path + "?files=true")
      let files = answer.files ?? [:]
      do {
        for (path, content) in files {
          let file = folder.appendingPathComponent(path)
          try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
          try content.write(to: file)
        }
        if let agent = answer.agent, let source = answer.agentFile {
          let file = folder.appendingPathComponent(agent)
          try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
          if force, FileManager.default.fileExists(atPath: file.path) { try FileManager.default.removeItem(at: file) }
          try FileManager.default.copyItem(atPath: source, toPath: file.path)
        }
      } catch { throw CommandFailure.failed("\(folder.path) can not be written: \(error.localizedDescription)") }
      let written = Written(
        machine: answer.machine, digest: answer.digest, nixpkgs: answer.nixpkgs, folder: folder.path,
        files: (files.keys + [answer.agent].compactMap { $0 }).sorted())
      try show(written, json: appliance.json) {
        "\(written.files.count) files in \(folder.path): nix build "
          + "'\(folder.path)#nixosConfigurations.\(answer.machine).config.system.build.toplevel'"
      }
    }
  }
}
