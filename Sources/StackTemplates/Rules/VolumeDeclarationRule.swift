/// Each named volume is mounted, declared at the top level, and has its row in x-bootstead; the other way round too.
struct VolumeDeclarationRule: TemplateRule {
  func check(_ template: StackTemplate, log: RefusalLog) {
    let mounts = template.compose.services.flatMap { service in service.mounts.map { (service.name, $0) } }
    let declared = Set(template.compose.volumes.map(\.key))
    let described = Set(template.description.volumes.map(\.name))
    for (service, mount) in mounts {
      switch mount.kind {
      case .anonymous:
        log.refuse(
          .volumeUndeclared, mount.line,
          "services.\(service).volumes: \(mount.target) has no name, so that its data is lost with the container; name it"
        )
      case .volume where !declared.contains(mount.source):
        log.refuse(
          .volumeUndeclared, mount.line,
          "services.\(service).volumes: '\(mount.source)' is not declared; add it to volumes and to x-bootstead.volumes"
        )
      case .volume, .bind, .temporary: break
      }
    }
    let used = Set(mounts.filter { $0.1.kind == .volume }.map(\.1.source))
    for volume in template.compose.volumes {
      if !described.contains(volume.key) {
        log.refuse(
          .volumeUndeclared, volume.line,
          "volumes.\(volume.key) has no row in x-bootstead.volumes; say there of which class it is and whose")
      }
      if !used.contains(volume.key) {
        log.refuse(
          .volumeUnused, volume.line, "volumes.\(volume.key) is mounted by no service; mount it or leave it out")
      }
    }
    for volume in template.description.volumes where !declared.contains(volume.name) {
      log.refuse(
        .volumeUnused, volume.line,
        "x-bootstead.volumes.\(volume.name) is no volume of the file; add it to volumes or leave it out")
    }
  }
}
