/// Services that wait for each other in a circle never start.
struct ServiceOrderRule: TemplateRule {
  func check(_ template: StackTemplate, log: RefusalLog) {
    let edges = Dictionary(
      uniqueKeysWithValues: Set(template.compose.services.map(\.name)).map { name in
        (name, template.compose.service(name)?.dependsOn.map(\.service) ?? [])
      })
    if let circle = DependencyOrder.circle(in: edges), let first = circle.first,
      let service = template.compose.service(first)
    {
      log.refuse(
        .dependency, service.dependsOn.first?.line ?? service.line,
        "services wait for each other in a circle: \(circle.joined(separator: ", ")); remove one of the depends_on")
    }
  }
}

/// Checks what stacks depend on.
enum DependencyRule {
  static func check(_ template: StackTemplate, known: Set<String>, log: RefusalLog) {
    for dependency in template.description.dependsOn {
      if dependency.text == template.name {
        log.refuse(.dependency, dependency.line, "x-bootstead.dependsOn: the stack depends on itself; leave that out")
      } else if !known.contains(dependency.text) {
        log.refuse(
          .dependency, dependency.line,
          "x-bootstead.dependsOn: there is no stack '\(dependency.text)'; correct the name")
      }
    }
  }
}
