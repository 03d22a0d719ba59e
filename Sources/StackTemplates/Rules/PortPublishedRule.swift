/// Ports of the machine are for the reverse proxy; each other one has its kind and its reason.
struct PortPublishedRule: TemplateRule {
  func check(_ template: StackTemplate, log: RefusalLog) {
    var matched: Set<Int> = []
    let rows = template.description.ports
    for service in template.compose.services {
      for port in service.ports {
        guard let text = port.published, let range = Self.range(text, of: template) else {
          log.refuse(
            .portPublished, port.line,
            "services.\(service.name).ports: which port of the machine is not said; write \"PORT:\(port.target)\"")
          continue
        }
        for number in range {
          let found = rows.indices.filter { index in
            rows[index].service == service.name && rows[index].port == number
              && (rows[index].transport == port.transport || rows[index].transport == "both")
          }
          matched.formUnion(found)
          guard found.isEmpty else { continue }
          log.refuse(
            .portPublished, port.line,
            "services.\(service.name) publishes \(number)/\(port.transport) without a row in x-bootstead.ports; make it a route, or say there why it has to be"
          )
        }
      }
      if service.usesHostNetwork {
        let found = rows.indices.filter { rows[$0].service == service.name }
        matched.formUnion(found)
        if found.isEmpty {
          log.refuse(
            .portPublished, service.networkMode?.line ?? service.line,
            "services.\(service.name) is on the machine's own network without a row in x-bootstead.ports; say there why it has to be"
          )
        }
      }
    }
    for index in rows.indices where !matched.contains(index) {
      log.refuse(
        .portPublished, rows[index].line,
        "x-bootstead.ports: \(rows[index].service) does not publish \(rows[index].port)/\(rows[index].transport); leave the row out or correct it"
      )
    }
  }

  /// The ports that a text names, with parameters at their defaults; nil where that are none, or more than 1000.
  static func range(_ text: String, of template: StackTemplate) -> ClosedRange<Int>? {
    guard let interpolation = try? Interpolation(text) else { return nil }
    let plain = interpolation.resolved { variable in
      let parameter = template.description.parameters.first { $0.variable == variable.name }
      return parameter?.standard?.text ?? variable.standard
    }
    let ends = plain.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    guard let first = ends.first.flatMap(\.self), let last = ends.last.flatMap(\.self), ends.count <= 2,
      (1...65535).contains(first), (first...65535).contains(last), last - first < 1000
    else { return nil }
    return first...last
  }
}
