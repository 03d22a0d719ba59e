import ArgumentParser
import Foundation

/// How a command reaches the running appliance, and how it prints.
struct ApplianceOptions: ParsableArguments {
  @Option(help: "The appliance's socket (default: $BOOTSTEAD_SOCKET, or /var/lib/bootstead/bootstead.sock).")
  var socket: String?

  @Flag(help: "Print JSON.")
  var json = false

  var client: ApplianceClient {
    ApplianceClient(
      socketPath: socket ?? ProcessInfo.processInfo.environment["BOOTSTEAD_SOCKET"]
        ?? "/var/lib/bootstead/bootstead.sock")
  }
}
