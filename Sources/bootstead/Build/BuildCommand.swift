import ArgumentParser
import Foundation
import NodeFlake
import OperatorAPI

struct BuildCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "build", abstract: "Build machines' systems with Nix, and publish them in the appliance's cache.",
    discussion: """
      Runs Nix on the appliance on the machine's flake, signs what comes out, and makes it the system that the \
      machine is to run. Nothing of a machine is published where its flake does not build.
      """)

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "Machines, by name or MAC address.") var names: [String] = []
  @Flag(help: "All machines.") var all = false
  @Option(help: "Build on another machine instead: ssh://HOST or ssh://USER@HOST.") var builder: String?

  func validate() throws {
    guard all != !names.isEmpty else { throw ValidationError("name machines, or give --all") }
  }

  func run() async throws {
    try await reportingFailures {
      let bar = ProgressLine()
      var ended: [BuildLine] = []
      try await appliance.client.lines("/v1/builds", BuildOrder(machines: names, builder: builder), as: BuildLine.self)
      {
        line in
        guard line.closure != nil || line.error != nil else {
          if let progress = line.progress, !appliance.json {
            let fraction = progress.expected == 0 ? 0 : Double(progress.done) / Double(progress.expected)
            bar.show(
              "building \(line.machine)", fraction: fraction,
              "\(progress.done) of \(progress.expected), \(terminalText(progress.activity))")
          }
          return
        }
        bar.end()
        ended.append(line)
        if let error = line.error { printError("\(line.machine): \(terminalText(error))") }
      }
      bar.end()
      guard !ended.isEmpty else { throw CommandFailure.failed("the build broke off; run it again") }
      try show(ended, json: appliance.json) {
        ended.filter { $0.error == nil }.map { "\($0.machine) \($0.closure ?? "")" }.joined(separator: "\n")
      }
      if ended.contains(where: { $0.error != nil }) { throw ExitCode(1) }
    }
  }
}
