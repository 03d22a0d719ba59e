/// Whose a volume's files are is known before they are made.
struct OwnerRule: TemplateRule {
  func check(_ template: StackTemplate, log: RefusalLog) {
    for volume in template.description.volumes where volume.owner == nil && !volume.isShared {
      let row = template.root["x-bootstead"]?["volumes"]?[volume.name]
      if row?["owner"] != nil { continue }
      log.refuse(
        .owner, volume.line,
        "x-bootstead.volumes.\(volume.name) has no owner; write whom the container runs as, as owner: \"1000:1000\"")
    }
    guard template.description.identity == .fixed else { return }
    if !template.compose.services.contains(where: { ServiceIdentity($0) != nil }) {
      log.refuse(
        .owner, template.description.line,
        "x-bootstead.identity is fixed, and no service takes PUID and PGID or has user: \"USER:GROUP\"; add them, or write identity: image"
      )
    }
  }
}
