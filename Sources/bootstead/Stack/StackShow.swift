import ArgumentParser
import StackCatalogue
import StackSet
import StackTemplates

struct StackShow: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show what a stack consists of, and what may be chosen of it.")

  @OptionGroup var options: StackOptions
  @Argument(help: "The stack's name.") var name: String

  private struct Choice: Encodable {
    var name: String
    var type: String
    var `default`: String?
    var choices: [String]
    var description: String
  }

  private struct Shown: Encodable {
    var name: String
    var function: String
    var implementation: String
    var description: String
    var images: [String: String]
    var parameters: [Choice]
    var secrets: [String: String]
    var volumes: [String: String]
    var routes: [String: String]
    var dependsOn: [String]
    var quiesce: String
    var kubernetes: String
  }

  func run() async throws {
    try await reportingFailures {
      let catalogue = try options.catalogue()
      guard catalogue.folders[name] != nil else {
        printError("there is no stack '\(name)'; 'bootstead stack list' lists all")
        throw ExitCode(4)
      }
      let template = try catalogue.template(name)
      let said = template.description
      let shown = Shown(
        name: name, function: said.function, implementation: said.implementation, description: said.description,
        images: pairs(template.compose.services) { ($0.name, $0.image?.text ?? "") },
        parameters: said.parameters.map {
          Choice(
            name: $0.name, type: $0.type.rawValue, default: $0.standard?.text, choices: $0.choices,
            description: $0.description)
        },
        secrets: pairs(said.secrets) { ($0.name, $0.description) },
        volumes: pairs(said.volumes) { ($0.name, $0.placement.rawValue) },
        routes: pairs(said.routes) { ($0.name, "\($0.service):\($0.port), \($0.exposure.rawValue)") },
        dependsOn: said.dependsOn.map(\.text), quiesce: (said.backup?.quiesce ?? StackBackup.Quiesce.none).rawValue,
        kubernetes: said.kubernetes?.reason ?? "")
      try show(shown, json: options.json) { text(shown) }
    }
  }

  private func pairs<Element>(_ elements: [Element], _ pair: (Element) -> (String, String)) -> [String: String] {
    Dictionary(elements.map(pair)) { first, _ in first }
  }

  private func text(_ shown: Shown) -> String {
    var table = TableOutput(shown.name, shown.description)
    table.rows.append(["function", "\(shown.function), by \(shown.implementation)"])
    func add(_ title: String, _ values: [String: String]) {
      for (name, value) in values.sorted(by: { $0.key < $1.key }) { table.rows.append(["\(title) \(name)", value]) }
    }
    add("image", shown.images)
    add("route", shown.routes)
    add("volume", shown.volumes)
    for choice in shown.parameters {
      let values = choice.choices.isEmpty ? choice.type : choice.choices.joined(separator: "|")
      let standard = choice.default.map { "; otherwise '\($0)'" } ?? "; has to be set"
      table.rows.append(["parameter \(choice.name)", "\(values)\(standard). \(choice.description)"])
    }
    add("secret", shown.secrets)
    if !shown.dependsOn.isEmpty { table.rows.append(["needs", shown.dependsOn.joined(separator: ", ")]) }
    table.rows.append(["backup", shown.quiesce])
    table.rows.append(["cluster", shown.kubernetes])
    return table.text
  }
}
