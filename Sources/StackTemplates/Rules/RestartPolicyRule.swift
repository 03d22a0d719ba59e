/// Services come back after a restart of the machine; only those that prepare others end.
struct RestartPolicyRule: TemplateRule {
  func check(_ template: StackTemplate, log: RefusalLog) {
    let waitedFor = Set(
      template.compose.services.flatMap(\.dependsOn).filter { $0.condition == "service_completed_successfully" }
        .map(\.service))
    for service in template.compose.services {
      guard let restart = service.restart else { continue }
      let isKnown = ["always", "unless-stopped"].contains(restart.text)
      let mayEnd = restart.text == "no" || restart.text.hasPrefix("on-failure")
      if !isKnown, !(mayEnd && waitedFor.contains(service.name)) {
        log.refuse(
          .restartPolicy, restart.line,
          "services.\(service.name).restart is '\(restart.text)'; write unless-stopped, or have another service wait for its end by service_completed_successfully"
        )
      }
    }
  }
}
