import ArgumentParser
import NodeWork
import ProgramRunner
import StackSet

/// On an installed node, or wherever a compiled set is.
struct AccessCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "access", abstract: "How the names of the routes are reached.", subcommands: [AccessTest.self])
}

struct AccessTest: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test", abstract: "Try each name from the zone that this machine is in.",
    discussion: """
      Names for this zone have to lead to the reverse proxy, with a good certificate, and to a service at work. The \
      others must not answer. Ends with 1 where one is not as it shall be. Needs curl.
      """)

  @OptionGroup var options: NodeWorkOptions
  @Argument(help: "Names; all without any.") var names: [String] = []
  @Option(help: "The compiled stack set, instead of this machine's.") var set: String?
  @Option(help: "The routes that the settings name, instead of this machine's.") var routes: String?
  @Option(name: .customLong("from"), help: "The zone that this machine is in: lan, vpn or public.") var zone = "lan"
  @Option(help: "A name server to ask, ADDRESS or ADDRESS:PORT. May be repeated.") var nameServer: [String] = []
  @Option(help: "Where names have to lead to, instead of the set's address.") var address: String?
  @Option(help: "The address of this machine that everything comes from.") var source: String?
  @Option(help: "The root certificate that devices trust; otherwise it is fetched from the reverse proxy.")
  var authority: String?
  @Option(help: ArgumentHelp("Seconds for one answer, 1 to 120.", valueName: "seconds")) var timeout = 10
  @Option(help: ArgumentHelp("The reverse proxy's port.", visibility: .hidden)) var port = 443
  @Option(help: ArgumentHelp("Where the root certificate is offered.", visibility: .hidden)) var plainPort = 80

  func validate() throws {
    guard StackExposure(rawValue: zone) != nil else { throw ValidationError("--from takes lan, vpn or public") }
    guard (1...120).contains(timeout) else { throw ValidationError("--timeout takes 1 to 120 seconds") }
    if let wrong = nameServer.first(where: { NameServer($0) == nil }) {
      throw ValidationError("--name-server '\(wrong)' is no address; write 192.0.2.11")
    }
  }

  func run() async throws {
    try await NodeWorkOutput.tell {
      var chosen = AccessCheck.Options()
      chosen.zone = StackExposure(rawValue: zone) ?? .lan
      chosen.nameServers = nameServer.compactMap { NameServer($0) }
      (chosen.address, chosen.source, chosen.authority) = (address, source, authority)
      (chosen.names, chosen.timeout, chosen.port, chosen.plainPort) = (names, timeout, port, plainPort)
      let sources = try AccessSources(set: set, list: routes)
      let check = try AccessCheck(sources.set, further: sources.list, options: chosen, runner: SubprocessRunner())
      let report = try await check.run()
      print(options.json ? try NodeWorkJSON.text(report) : report.text)
      if !report.isGood { throw ExitCode.failure }
    }
  }
}
