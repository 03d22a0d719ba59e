import ArgumentParser
import Foundation
import StackCatalogue
import StackSet
import StackTemplates

struct StackCompile: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compile", abstract: "Compile a machine's stacks, as its node gets them; changes nothing.",
    discussion: "Prints the set as JSON. 'bootstead machine flake NAME -o DIR' writes a machine.json.")

  @OptionGroup var options: StackOptions
  @Option(name: .shortAndLong, help: "The machine's machine.json.") var file: String
  @Option(name: .shortAndLong, help: "Write the set to this file instead.") var output: String?

  func run() async throws {
    try await reportingFailures {
      guard let data = FileManager.default.contents(atPath: file) else {
        throw CommandFailure.failed("\(file) can not be read")
      }
      let lines = SettingLines(machine: file, files: [file: data])
      let machine: MachineStacks
      do { machine = try MachineStacks(data, path: file) } catch let error as CatalogueError {
        return try end(with: [lines.located(error)], json: options.json)
      }
      let catalogue = try options.catalogue(own: Self.beside(file).merging(machine.own) { $1 })
      var templates: [StackTemplate] = []
      var refusals: [StackRefusal] = []
      for name in Set(machine.settings.stacks.map(\.template)).sorted() where catalogue.folders[name] != nil {
        do { templates.append(try catalogue.template(name)) } catch let error as StackRefusals {
          refusals += error.all
        } catch let error as CatalogueError {
          refusals.append(lines.located(error))
        }
      }
      try end(with: refusals, json: options.json)
      let set: StackSet
      do {
        set = try StackCompiler(settings: machine.settings, templates: templates, digest: stackDigest).compile()
      } catch let error as StackRefusals {
        return try end(with: StackRefusals(error.all.map { lines.located($0) }).all, json: options.json)
      }
      let text = Data(try set.encoded() + [UInt8(ascii: "\n")])
      guard let output else { return FileHandle.standardOutput.write(text) }
      do { try text.write(to: URL(fileURLWithPath: output), options: .atomic) } catch {
        throw CommandFailure.failed("\(output) can not be written: \(error.localizedDescription)")
      }
    }
  }

  /// Own stacks of a flake: the folders of `stacks` beside `machines`.
  private static func beside(_ file: String) -> [String: String] {
    let folder = URL(fileURLWithPath: file).deletingLastPathComponent()
    guard folder.lastPathComponent == "machines" else { return [:] }
    let stacks = folder.deletingLastPathComponent().appendingPathComponent("stacks").path
    let names = (try? FileManager.default.contentsOfDirectory(atPath: stacks)) ?? []
    let own = names.filter { FileManager.default.fileExists(atPath: "\(stacks)/\($0)/compose.yaml") }
    return Dictionary(own.map { ($0, "\(stacks)/\($0)") }) { first, _ in first }
  }
}
