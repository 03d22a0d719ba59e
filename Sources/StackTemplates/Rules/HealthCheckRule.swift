/// What keeps data says whether it is well, because others wait for it and a restore is proved by it.
struct HealthCheckRule: TemplateRule {
  func check(_ template: StackTemplate, log: RefusalLog) {
    for service in template.compose.services {
      let path = "services.\(service.name)"
      if let said = service.node["x-healthcheck"], said.scalarText != "image" {
        log.refuse(.healthCheck, said.line, "\(path).x-healthcheck takes image: the image brings a check of its own")
      }
      let check = service.node["healthcheck"]
      if let check, check["disable"]?.boolean == true || check["test"]?.sequence?.first?.scalarText == "NONE" {
        log.refuse(.healthCheck, check.line, "\(path).healthcheck is turned off; give it a test")
        continue
      }
      if let check, check.mapping != nil, check["test"] == nil, service.node["x-healthcheck"] == nil {
        log.refuse(.healthCheck, check.line, "\(path).healthcheck has no test; add it, or x-healthcheck: image")
      }
      let writes = service.mounts.contains { $0.kind == .volume && !$0.isReadOnly }
      if writes, check == nil, service.node["x-healthcheck"] == nil {
        log.refuse(
          .healthCheck, service.line,
          "\(path) writes to a volume and has no healthcheck; add one, or x-healthcheck: image where the image has its own"
        )
      }
    }
    waits(template, log)
  }

  private func waits(_ template: StackTemplate, _ log: RefusalLog) {
    for service in template.compose.services {
      for dependency in service.dependsOn where dependency.condition == "service_healthy" {
        guard let other = template.compose.service(dependency.service) else { continue }
        if other.node["healthcheck"] == nil, other.node["x-healthcheck"] == nil {
          log.refuse(
            .healthCheck, dependency.line,
            "services.\(service.name) waits for \(other.name) to be healthy, which has no healthcheck; add one there")
        }
      }
    }
  }
}
