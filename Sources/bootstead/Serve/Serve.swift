import ArgumentParser
import BootDecision
import Foundation
import Logging
import Netboot

struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Run the appliance.",
    discussion: """
      Answers network boots on the named interfaces, beside the DHCP server that is already there. Needs the \
      privilege to bind ports below 1024. Everything it keeps is below the data directory.
      """)

  @Option(help: "An interface to answer on. May be repeated.")
  var interface: [String] = []

  @Option(help: "The data directory.")
  var data: String = "/var/lib/bootstead"

  @Option(help: "The port of boot files, scripts and closures.")
  var httpPort: Int = 8080

  @Option(help: "A console for the installer's kernel, such as ttyS0,115200. May be repeated.")
  var console: [String] = ["ttyS0,115200"]

  @Option(help: "Set what unknown machines get: closed, inventory or automatic.")
  var enrolment: String?

  @Option(help: "A directory with iPXE binaries, beside those of Debian's package. May be repeated.")
  var loaderDirectory: [String] = []

  @Option(
    help: "The static agent that 'kexec' takes machines over with (default: bootstead-agent beside this program).")
  var agent: String?

  @Option(help: "The folder with the NixOS modules (default: templates beside this program, or in its source tree).")
  var templates: String?

  @Option(help: "Seconds after which a machine that was taken over and reaches nobody goes back to its old system.")
  var takeoverWatchdog: Int = 300

  @Option(help: "The least that is logged: trace, debug, info, warning or error.")
  var logLevel: String = "info"

  func validate() throws {
    guard !interface.isEmpty else { throw ValidationError("name an interface to answer on: --interface NAME") }
    guard (1...65_535).contains(httpPort) else { throw ValidationError("--http-port \(httpPort) is no port") }
    guard (30...86_400).contains(takeoverWatchdog) else {
      throw ValidationError("--takeover-watchdog \(takeoverWatchdog) is not 30 seconds to a day")
    }
    guard Logger.Level(rawValue: logLevel) != nil else { throw ValidationError("--log-level '\(logLevel)' is unknown") }
    for console in console {
      do { _ = try KernelArgument("console=\(console)") } catch { throw ValidationError("--console: \(error)") }
    }
    if let enrolment, Enrolment(rawValue: enrolment) == nil {
      throw ValidationError("--enrolment '\(enrolment)' is not closed, inventory or automatic")
    }
  }

  func run() async throws {
    try await reportingFailures {
      let level = Logger.Level(rawValue: logLevel) ?? .info
      LoggingSystem.bootstrap { label in
        var handler = StreamLogHandler.standardError(label: label)
        handler.logLevel = level
        return handler
      }
      // Keys, secrets and the operator's socket are made for their owner alone.
      umask(0o077)
      let appliance = try await Appliance(
        Appliance.Options(
          interfaces: interface, dataDirectory: URL(fileURLWithPath: data), httpPort: httpPort, consoles: console,
          enrolment: enrolment.flatMap { Enrolment(rawValue: $0) }, loaderDirectories: loaderDirectory, agent: agent,
          takeoverWatchdogSeconds: takeoverWatchdog,
          templates: templates.map { URL(fileURLWithPath: $0).path } ?? templatesBeside()))
      try await appliance.run()
    }
  }
}
