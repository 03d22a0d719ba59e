import ArgumentParser
import Foundation
import Images
import MicroInstaller
import OperatorAPI
import Subprocess
import SystemPackage

struct InstallerCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "installer", abstract: "The micro-installer, made from Debian packages.",
    subcommands: [InstallerBuild.self])
}

struct InstallerBuild: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "build", abstract: "Build the micro-installer and make it the appliance's default boot image.",
    discussion: "Downloads Debian packages with apt and takes them apart; nothing is installed on this machine.")

  @OptionGroup var appliance: ApplianceOptions
  @Option(help: "The agent to put in (default: bootstead-agent beside this program).") var agent: String?
  @Option(help: "Where to leave kernel and initrd; without it they go straight to the running appliance.")
  var output: String?

  func run() async throws {
    try await reportingFailures {
      let agentPath = try agent ?? agentBeside()
      let directory =
        output.map { URL(fileURLWithPath: $0) }
        ?? FileManager.default.temporaryDirectory.appendingPathComponent("bootstead-installer-\(UUID().uuidString)")
      defer { if output == nil { try? FileManager.default.removeItem(at: directory) } }
      try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
      let source = directory.appendingPathComponent(".source")
      try MicroInstaller.write(to: source)
      defer { try? FileManager.default.removeItem(at: source) }
      let build = try await Subprocess.run(
        .path(FilePath(source.appendingPathComponent("build").path)), arguments: [directory.path, agentPath],
        input: .none,
        output: .currentStandardError, error: .currentStandardError)
      guard build.terminationStatus.isSuccess else {
        throw CommandFailure.failed("the installer could not be built; the messages above say why")
      }
      let kernel = directory.appendingPathComponent("kernel").path
      let initrd = directory.appendingPathComponent("initrd").path
      if output != nil {
        return try show(["kernel": kernel, "initrd": initrd], json: appliance.json) { "\(kernel)\n\(initrd)" }
      }
      let image: BootImage = try await appliance.client.send(
        "POST", "/v1/images", AddImage(name: "installer", kernel: kernel, initrd: initrd))
      try show(image, json: appliance.json) { "the boot image 'installer' is stored" }
    }
  }

}

/// The static agent that is installed beside this program.
func agentBeside() throws -> String {
  let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
  let path = own.deletingLastPathComponent().appendingPathComponent("bootstead-agent").path
  guard FileManager.default.isExecutableFile(atPath: path) else {
    throw CommandFailure.failed("there is no bootstead-agent at \(path): name it with --agent")
  }
  return path
}
