import ArgumentParser
import Foundation
import Images
import OperatorAPI

struct LoaderCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "loader", abstract: "Boot loaders that firmware fetches.",
    subcommands: [LoaderList.self, LoaderAdd.self, LoaderRemove.self])
}

struct LoaderList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "List the boot loaders.")

  @OptionGroup var appliance: ApplianceOptions

  func run() async throws {
    try await reportingFailures {
      let loaders: [StoredLoader] = try await appliance.client.get("/v1/loaders")
      try show(loaders, json: appliance.json) {
        if loaders.isEmpty { return "no boot loaders: apt-get install ipxe, and start the appliance again" }
        var table = TableOutput("NAME", "FOR", "SIZE", "DIGEST", "FROM", "FEATURES")
        for loader in loaders {
          table.rows.append([
            loader.name.text, loader.architecture, byteText(UInt64(loader.blob.size)),
            String(loader.blob.digest.prefix(12)), loader.origin, loader.features.joined(separator: " "),
          ])
        }
        return table.text
      }
    }
  }
}

struct LoaderAdd: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add", abstract: "Add or replace a boot loader, such as your own iPXE build.")

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "The file, on the appliance.") var file: String
  @Option(help: "The name under which it is served (default: the file's own).") var name: String?
  @Option(help: "What it runs on: bios, efiX64, efiIA32 or efiARM64.") var architecture: String
  @Option(help: "What it can do, such as http or https. May be repeated.") var feature: [String] = []

  func run() async throws {
    try await reportingFailures {
      let path = URL(fileURLWithPath: file)
      let request = AddLoader(
        name: name ?? path.lastPathComponent, file: path.path, architecture: architecture, features: feature)
      let loader: StoredLoader = try await appliance.client.send("POST", "/v1/loaders", request)
      try show(loader, json: appliance.json) { "the loader '\(loader.name)' is served, digest \(loader.blob.digest)" }
    }
  }
}

struct LoaderRemove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "remove", abstract: "Remove a boot loader.")

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "Its name.") var name: String

  func run() async throws {
    try await reportingFailures {
      try await appliance.client.perform("DELETE", "/v1/loaders/\(pathComponent(name))")
      try show(["removed": name], json: appliance.json) { "the loader '\(name)' is removed" }
    }
  }
}
