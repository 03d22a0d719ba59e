import ArgumentParser
import Foundation
import OperatorAPI

struct ClosureCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "closure", abstract: "The NixOS systems that the appliance can install.",
    subcommands: [
      ClosureImport.self, ClosureList.self, ClosureShow.self, ClosureRemove.self, ClosureCollect.self,
      ClosureToken.self,
    ])
}

struct ClosureImport: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Import a binary cache directory, as 'nix copy --to file://DIR' writes it.")

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "The directory, on the appliance.") var directory: String
  @Option(help: "Import only this store path and what it needs. May be repeated.") var root: [String] = []
  @Option(help: "Take only paths signed by this key, NAME:BASE64. May be repeated.") var trustedKey: [String] = []

  func run() async throws {
    try await reportingFailures {
      let order = ImportClosure(
        directory: URL(fileURLWithPath: directory).path, roots: root, trustedKeys: trustedKey)
      let progress = ProgressLine()
      var roots: [String]?
      try await appliance.client.lines("/v1/closures", order, as: ImportLine.self) { line in
        if let error = line.error { throw CommandFailure.failed(error) }
        roots = line.roots ?? roots
        if let done = line.bytesDone, let total = line.bytesTotal, !appliance.json {
          progress.show(
            "importing", fraction: total == 0 ? 1 : Double(done) / Double(total),
            "\(line.pathsDone ?? 0) of \(line.pathsTotal ?? 0) paths, \(byteText(done))")
        }
      }
      progress.end()
      guard let roots else {
        throw CommandFailure.failed("the import broke off; run it again, it goes on where it was")
      }
      try show(["roots": roots], json: appliance.json) { roots.joined(separator: "\n") }
    }
  }
}

struct ClosureList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "List the closures.")

  @OptionGroup var appliance: ApplianceOptions

  func run() async throws {
    try await reportingFailures {
      let rows: [ClosureRow] = try await appliance.client.get("/v1/closures")
      try show(rows, json: appliance.json) {
        if rows.isEmpty { return "no closures yet: bootstead closure import DIRECTORY" }
        var table = TableOutput("CLOSURE", "PATHS", "SIZE", "STORED", "USED BY")
        for row in rows {
          table.rows.append([
            row.root, String(row.paths), byteText(row.narSize), byteText(row.fileSize),
            row.usedBy.isEmpty ? "-" : row.usedBy.joined(separator: ","),
          ])
        }
        return table.text
      }
    }
  }
}

struct ClosureShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "show", abstract: "List the store paths of a closure.")

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "The store path of its root.") var root: String

  func run() async throws {
    try await reportingFailures {
      let content: ClosureContent = try await appliance.client.get("/v1/closures/\(storeName(root))")
      try show(content, json: appliance.json) {
        var table = TableOutput("PATH", "SIZE", "REFERENCES")
        for path in content.paths { table.rows.append([path.path, byteText(path.narSize), String(path.references)]) }
        return table.text + "\n\nsigned by \(content.publicKey)"
      }
    }
  }
}

struct ClosureRemove: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "remove", abstract: "Stop keeping a closure; 'closure gc' then frees its space.")

  @OptionGroup var appliance: ApplianceOptions
  @Argument(help: "The store path of its root.") var root: String

  func run() async throws {
    try await reportingFailures {
      try await appliance.client.perform("DELETE", "/v1/closures/\(storeName(root))")
      try show(["removed": root], json: appliance.json) { "no longer kept; 'bootstead closure gc' frees the space" }
    }
  }
}

struct ClosureCollect: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gc", abstract: "Delete what no kept closure and no machine needs.")

  @OptionGroup var appliance: ApplianceOptions

  func run() async throws {
    try await reportingFailures {
      let report: GarbageAnswer = try await appliance.client.send("POST", "/v1/closures/gc", [String: String]())
      try show(report, json: appliance.json) {
        "\(report.removedPaths) paths removed, \(byteText(report.freedBytes)) freed"
      }
    }
  }
}

struct ClosureToken: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "token", abstract: "Make a token for 'nix copy --to http://APPLIANCE:8080/cache'.",
    discussion: "Put it into the netrc file that nix reads: machine APPLIANCE login bootstead password TOKEN")

  @OptionGroup var appliance: ApplianceOptions
  @Option(help: "How long it is good, in days: 1 to 3650.") var days = 90
  @Flag(help: "End all tokens that were made, instead of making one.") var revoke = false

  func validate() throws {
    guard (1...3650).contains(days) else { throw ValidationError("--days \(days) is not 1 to 3650") }
  }

  func run() async throws {
    try await reportingFailures {
      if revoke {
        let answer: TokensRevoked = try await appliance.client.send("DELETE", "/v1/tokens", [String: String]())
        return try show(answer, json: appliance.json) { "\(answer.revoked) tokens revoked" }
      }
      let answer: TokenAnswer = try await appliance.client.send("POST", "/v1/tokens", TokenRequest(days: days))
      try show(answer, json: appliance.json) { answer.token }
    }
  }
}

private func storeName(_ path: String) -> String {
  pathComponent(path.hasPrefix("/nix/store/") ? String(path.dropFirst("/nix/store/".count)) : path)
}
