import ArgumentParser
import StackCatalogue
import StackTemplates

struct StackList: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the catalogue, or what in it has a word.")

  @OptionGroup var options: StackOptions
  @Argument(help: "Only stacks with this in their name, function, program or description.") var word: String?

  private struct Row: Encodable {
    var name: String
    var function: String
    var implementation: String
    var description: String
    var order: Int
    var architectures: [String]
    var isKubernetesCandidate: Bool
  }

  func run() async throws {
    try await reportingFailures {
      let catalogue = try options.catalogue()
      var rows: [Row] = []
      for name in catalogue.names {
        let template: StackTemplate
        do { template = try catalogue.template(name) } catch {
          printError("\(error)")
          continue
        }
        let said = template.description
        let texts = [name, said.function, said.implementation, said.description].map { $0.lowercased() }
        if let word, !texts.contains(where: { $0.contains(word.lowercased()) }) { continue }
        rows.append(
          Row(
            name: name, function: said.function, implementation: said.implementation, description: said.description,
            order: said.order, architectures: said.architectures.map(\.text),
            isKubernetesCandidate: said.kubernetes?.isCandidate ?? false))
      }
      try show(rows, json: options.json) {
        var table = TableOutput("NAME", "FUNCTION", "PROGRAM", "DESCRIPTION")
        table.rows = rows.map { [$0.name, $0.function, $0.implementation, $0.description] }
        return table.text
      }
    }
  }
}
