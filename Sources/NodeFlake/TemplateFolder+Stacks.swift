import Crypto
import Fleet
import Foundation
import StackCatalogue
import StackSet
import StackTemplates

extension TemplateFolder {
  /// What a machine's stacks are compiled to, by all rules.
  /// - Parameters:
  ///   - configuration: its `machine.json`, or the part of it that stacks need.
  ///   - files: the operator's own stacks, `stacks/NAME/…`; with the files that the choices stand in, refusals have the
  ///     line.
  /// - Returns: nil where the machine runs none.
  /// - Throws: ``FleetError/stacks(machine:_:)``: every rule that is broken, with its file and line.
  public func stackSet(of machine: MachineName, _ configuration: Data, files: [String: Data]) throws(FleetError)
    -> StackSet?
  {
    let path = "machines/\(machine).json"
    var refusals: [StackRefusal] = []
    do {
      let chosen = try MachineStacks(configuration, path: path)
      guard chosen.own.isEmpty else {
        throw CatalogueError(
          path: path,
          text:
            "settings.stacks.own names folders, which only a module can; put the folder into stacks beside machines, "
            + "and it is known by its name")
      }
      guard !chosen.settings.stacks.isEmpty else { return nil }
      var sources = StackSources()
      sources.add(self.files, in: "templates")
      sources.add(files)
      var templates: [StackTemplate] = []
      for name in Set(chosen.settings.stacks.map(\.template)).sorted() {
        guard sources.has(name) else {
          let known = sources.names.joined(separator: ", ")
          refusals.append(
            StackRefusal(
              file: path, line: 0, rule: .dependency,
              text: "stacks: there is no stack '\(name)'; known are \(known.isEmpty ? "none" : known)"))
          continue
        }
        do { templates.append(try sources.template(name)) } catch let error as StackRefusals { refusals += error.all }
      }
      guard refusals.isEmpty else { throw StackRefusals(refusals) }
      return try StackCompiler(
        settings: chosen.settings, templates: templates, digest: { SHA256.hash(data: $0).hexadecimal }
      ).compile()
    } catch let error as StackRefusals {
      let lines = SettingLines(machine: path, others: [DeclaredFiles.fleet], files: files)
      throw .stacks(machine: machine.text, StackRefusals(error.all.map { lines.located($0) }).all.map(\.description))
    } catch let error as CatalogueError {
      let lines = SettingLines(machine: path, others: [DeclaredFiles.fleet], files: files)
      throw .stacks(machine: machine.text, [lines.located(error).description])
    } catch {
      throw .stacks(machine: machine.text, ["\(path): \(error)"])
    }
  }

  /// The same of what is declared, before there is a `machine.json`.
  public func stackSet(_ declared: DeclaredStacks) throws(FleetError) -> StackSet? {
    let configuration: Data
    do { configuration = try JSONEncoder().encode(declared.choices) } catch {
      throw .stacks(machine: declared.choices.name.text, ["\(error)"])
    }
    return try stackSet(of: declared.choices.name, configuration, files: declared.files.files)
  }

  /// What is wrong with a machine's stacks.
  func problems(of declared: DeclaredStacks) -> [String] {
    do {
      _ = try stackSet(declared)
      return []
    } catch .stacks(_, let problems) { return problems } catch { return ["\(error)"] }
  }
}
