/// Parameters are used, and their bounds make sense.
struct ParameterRule: TemplateRule {
  func check(_ template: StackTemplate, log: RefusalLog) {
    var used: Set<String> = []
    for entry in template.root.mapping ?? [] where entry.key != "x-bootstead" {
      entry.value.forEachText { text, _ in
        if let interpolation = try? Interpolation(text) { used.formUnion(interpolation.variables.map(\.name)) }
      }
    }
    let services = Set(template.compose.services.map(\.name))
    var variables: Set<String> = []
    for parameter in template.description.parameters {
      let path = "x-bootstead.parameters.\(parameter.name)"
      for service in parameter.services where !services.contains(service.text) {
        log.refuse(
          .parameter, service.line, "\(path).services: there is no service '\(service.text)'; correct the name")
      }
      if parameter.name == StackParameter.gpu {
        gpu(parameter, path, log)
        continue
      }
      if !used.contains(parameter.variable) {
        log.refuse(
          .parameter, parameter.line,
          "\(path): nothing uses ${\(parameter.variable)}; use it or leave the parameter out")
      }
      if !variables.insert(parameter.variable).inserted {
        log.refuse(
          .parameter, parameter.line,
          "\(path): another parameter has the variable \(parameter.variable) too; name one otherwise")
      }
      if ComposeReferenceRule.ofTheMachine.contains(parameter.variable) {
        log.refuse(
          .parameter, parameter.line, "\(path): the machine sets \(parameter.variable); leave the parameter out")
      }
      if let low = parameter.minimum, let high = parameter.maximum, low > high {
        log.refuse(.parameter, parameter.line, "\(path): minimum is above maximum; exchange them")
      }
    }
  }

  private func gpu(_ parameter: StackParameter, _ path: String, _ log: RefusalLog) {
    let known = ["none", "nvidia", "dri"]
    if parameter.type != .choice || !parameter.choices.allSatisfy(known.contains) || !parameter.choices.contains("none")
    {
      log.refuse(
        .parameter, parameter.line, "\(path) is a choice of \(known.joined(separator: ", ")), with none among them")
    }
    if parameter.services.isEmpty {
      log.refuse(.parameter, parameter.line, "\(path) has no services; list those that get the processor")
    }
  }
}
