import ArgumentParser
import StackCatalogue
import StackTemplates

struct StackCheck: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Check folders with stacks of your own against all rules.",
    discussion: "Each line says FILE:LINE: RULE: what is wrong and what to do. Ends with 1 where there is any.")

  @OptionGroup var options: StackOptions
  @Argument(help: "Folders with compose.yaml.") var folders: [String]

  func validate() throws {
    guard !folders.isEmpty else { throw ValidationError("name a folder with compose.yaml") }
  }

  func run() async throws {
    try await reportingFailures {
      var known = Set((try? options.catalogue())?.names ?? [])
      var refusals: [StackRefusal] = []
      var templates: [StackTemplate] = []
      for folder in folders {
        do {
          let template = try TemplateCatalogue.read(folder)
          templates.append(template)
          known.insert(template.name)
        } catch let error as StackRefusals { refusals += error.all }
      }
      for template in templates { refusals += template.refusals(known: known) }
      try end(with: refusals, json: options.json)
      try show(refusals, json: options.json) { templates.map { "\($0.name): all rules hold" }.joined(separator: "\n") }
    }
  }
}
