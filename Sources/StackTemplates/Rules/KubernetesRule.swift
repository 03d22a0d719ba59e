/// Whether a stack may move to a cluster is said with its reason.
struct KubernetesRule: TemplateRule {
  func check(_ template: StackTemplate, log: RefusalLog) {
    guard let kubernetes = template.description.kubernetes else { return }
    if kubernetes.reason.count < 10 {
      log.refuse(.kubernetes, kubernetes.line, "x-bootstead.kubernetes.reason says too little; write why or why never")
    }
    guard kubernetes.isCandidate else { return }
    for service in template.compose.services {
      let hold =
        service.usesHostNetwork
        ? "uses the machine's own network"
        : service.isPrivileged
          ? "is privileged"
          : service.mounts.contains { BindMountRule.sockets.contains($0.source) && !$0.isReadOnly }
            ? "talks to the container engine" : nil
      if let hold {
        log.refuse(
          .kubernetes, kubernetes.line,
          "x-bootstead.kubernetes.candidate is true, and services.\(service.name) \(hold); write candidate: false")
      }
    }
  }
}
