/// Each template says which machines it runs on.
struct ArchitectureRule: TemplateRule {
  static let known = ["x86_64-linux", "aarch64-linux"]

  func check(_ template: StackTemplate, log: RefusalLog) {
    let description = template.description
    if description.architectures.isEmpty, template.root["x-bootstead"]?["architectures"] != nil {
      log.refuse(
        .architecture, description.line,
        "x-bootstead.architectures is empty; name \(Self.known.joined(separator: " or "))")
    }
    for architecture in description.architectures where !Self.known.contains(architecture.text) {
      log.refuse(
        .architecture, architecture.line,
        "'\(architecture.text)' is no architecture; known are \(Self.known.joined(separator: ", "))")
    }
  }
}
