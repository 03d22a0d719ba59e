/// One rule that a template is measured by, alone.
protocol TemplateRule: Sendable {
  func check(_ template: StackTemplate, log: RefusalLog)
}

enum TemplateRules {
  static let all: [any TemplateRule] = [
    ArchitectureRule(), BindMountRule(), ComposeReferenceRule(), HealthCheckRule(), ImagePinnedRule(), KubernetesRule(),
    NameMatchesFolderRule(), OwnerRule(), ParameterRule(), PortPublishedRule(), PrivilegeReasonRule(), QuiesceRule(),
    RestartPolicyRule(), RouteServiceRule(), SecretLiteralRule(), SecretDeclarationRule(), ServiceOrderRule(),
    VolumeDeclarationRule(),
  ]
}
