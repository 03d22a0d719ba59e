import StackSet

/// Variables are ones that somebody sets; configurations and secrets are files beside the template.
struct ComposeReferenceRule: TemplateRule {
  /// Set by the compiler itself, from the machine.
  static let ofTheMachine: Set = ["TZ", "PUID", "PGID"]

  func check(_ template: StackTemplate, log: RefusalLog) {
    variables(template, log)
    for config in template.compose.configs {
      let path = "configs.\(config.key)"
      if let file = config.value["file"]?.scalarText {
        guard let name = Self.fileName(file) else {
          log.refuse(
            .composeField, config.line, "\(path).file is '\(file)'; it takes ./NAME, a file in the template's folder")
          continue
        }
        if template.files[name] == nil {
          log.refuse(.composeField, config.line, "\(path): there is no file '\(name)' beside the template; add it")
        }
      } else if config.value["content"]?.string == nil {
        log.refuse(.composeField, config.line, "\(path) has neither file: ./NAME nor content; add one")
      }
    }
  }

  /// `./NAME`; nil where it leads elsewhere.
  static func fileName(_ text: String) -> String? {
    guard text.hasPrefix("./") else { return nil }
    let name = String(text.dropFirst(2))
    return RelativePath.isValid(name) && name != "." ? name : nil
  }

  private func variables(_ template: StackTemplate, _ log: RefusalLog) {
    let parameters = Set(template.description.parameters.map(\.variable))
    let secrets = Set(template.description.secrets.filter { $0.delivery == .environment }.map(\.name))
    for entry in template.root.mapping ?? [] where entry.key != "x-bootstead" {
      entry.value.forEachText { text, line in
        let interpolation: Interpolation
        do throws(Interpolation.Malformed) { interpolation = try Interpolation(text) } catch {
          log.refuse(.composeField, line, error.text)
          return
        }
        for variable in interpolation.variables {
          let name = variable.name
          if parameters.contains(name) || secrets.contains(name) || Self.ofTheMachine.contains(name) { continue }
          if SecretShape.isSecret(name: name) {
            log.refuse(
              .secretUndeclared, line, "${\(name)} has no row in x-bootstead.secrets; add { as: environment, … } there")
          } else {
            log.refuse(
              .parameter, line, "${\(name)} is no parameter; declare it in x-bootstead.parameters, or write the value")
          }
        }
      }
    }
  }
}
