import AgentProtocol
import ArgumentParser
import DiskLayout
import Glibc
import HTTPConnection
import NodeAgent

/// In the system that a machine runs now.
struct TakeoverCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "takeover", abstract: "Start the installer from the system that runs on this machine, by kexec.",
    subcommands: [TakeoverInspect.self, TakeoverStart.self])
}

struct TakeoverInspect: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Show whether this machine can be taken over, and what would end. Changes nothing.")

  @Flag(help: "As JSON.") var json = false
  @Flag(help: "Show the network as it would be handed over, instead.") var network = false

  func run() async throws {
    if network {
      print(try NetworkReader().handover().text, terminator: "")
      return
    }
    let inspection = TakeoverInspector().inspect()
    if json {
      print(String(decoding: try MessageCoder.encode(inspection), as: UTF8.self))
      return
    }
    for line in inspection.system.lines { print(line) }
    for disk in inspection.inventory.disks.disks { print("disk: \(disk.summary)") }
    for obstacle in inspection.obstacles { print("obstacle: \(obstacle)") }
    if !inspection.obstacles.isEmpty { throw ExitCode.failure }
  }
}

struct TakeoverStart: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "start", abstract: "Begin. The token is read from standard input, so that it is on no command line.",
    discussion: "'bootstead kexec' on the appliance runs this over SSH, or prints what to paste into a rescue shell.")

  @Option(
    help: "Where the appliance answers: http://ADDRESS:PORT. May be repeated; the first one that answers is taken.")
  var appliance: [String]
  @Flag(help: "Load the installer and stop before this system ends.") var loadOnly = false

  func run() async throws {
    // A session that breaks off does not leave the take-over half way.
    signal(SIGPIPE, SIG_IGN)
    signal(SIGHUP, SIG_IGN)
    // At once: this system may end before a buffer is written out.
    let log = AgentLog { line in
      let bytes = Array("bootstead: \(line)\n".utf8)
      _ = write(STDOUT_FILENO, bytes, bytes.count)
    }
    do {
      guard let line = readLine(), let token = try? TakeoverToken(line) else { throw MissingToken() }
      try await Takeover(token: token, endpoint: TakeoverRoute.find(appliance, log: log), log: log).run(
        loadOnly: loadOnly)
    } catch {
      log.say("\(error)")
      log.say("nothing was changed; this system runs on")
      throw ExitCode.failure
    }
  }
}

struct MissingToken: Error, CustomStringConvertible {
  var description: String {
    "standard input holds no take-over token: make one with 'bootstead kexec --token --name NAME' on the appliance"
  }
}
