import ArgumentParser
import Crypto
import Foundation
import StackCatalogue
import StackTemplates

struct StackCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stack",
    abstract: "Container stacks: the catalogue, what a machine's stacks are compiled to, and those of running nodes.",
    subcommands: [
      StackList.self, StackShow.self, StackCheck.self, StackCompile.self, StackSecrets.self, StackUp.self,
      StackDown.self, StackStart.self, StackStop.self, StackRestart.self, StackApply.self, StackRemove.self,
      StackLogs.self, StackStats.self, StackProcesses.self, StackMoveCommand.self,
    ])
}

/// Where the catalogue is, and how to print.
struct StackOptions: ParsableArguments {
  @Option(help: "The folder with the NixOS modules and stacks (default: templates beside this program).")
  var templates: String?
  @Flag(help: "Print JSON.") var json = false

  func catalogue(own: [String: String] = [:]) throws -> TemplateCatalogue {
    guard let folder = templates ?? templatesBeside() else {
      throw CommandFailure.failed("there is no folder templates beside this program; name it with --templates DIR")
    }
    return try TemplateCatalogue(root: folder + "/stacks", own: own)
  }
}

/// SHA-256 as lower-case hexadecimal.
@Sendable func stackDigest(_ bytes: [UInt8]) -> String {
  SHA256.hash(data: bytes).map { byte in
    let text = String(byte, radix: 16)
    return byte < 16 ? "0" + text : text
  }.joined()
}

/// Prints what is refused: one line each on standard error, or an array of JSON. Ends with 1 where there is any.
func end(with refusals: [StackRefusal], json: Bool) throws {
  guard !refusals.isEmpty else { return }
  if json { try show(refusals, json: true) { "" } }
  for refusal in refusals where !json {
    FileHandle.standardError.write(Data((terminalText(refusal.description) + "\n").utf8))
  }
  throw ExitCode(1)
}
