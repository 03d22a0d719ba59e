/// A Compose file without `x-bootstead`.
public struct ComposeFile: Sendable {
  public var name: LinedText?
  public var services: [ComposeService]
  /// Top-level volumes, networks, secrets and configurations.
  public var volumes: [ComposeNode.Entry]
  public var networks: [ComposeNode.Entry]
  public var secrets: [ComposeNode.Entry]
  public var configs: [ComposeNode.Entry]

  public func service(_ name: String) -> ComposeService? { services.first { $0.name == name } }

  init(_ root: ComposeNode, log: RefusalLog) {
    let reader = ComposeFileReader(log: log)
    reader.checkFields(root)
    name = root["name"].flatMap { value in value.scalarText.map { LinedText($0, value.line) } }
    services = reader.entries(root, "services").compactMap(reader.service)
    volumes = reader.entries(root, "volumes")
    networks = reader.entries(root, "networks")
    secrets = reader.entries(root, "secrets")
    configs = reader.entries(root, "configs")
    if services.isEmpty {
      log.refuse(.composeField, root.line, "there are no services; a stack has at least one")
    }
    for volume in volumes where volume.value.mapping?.contains(where: { $0.key != "name" }) == true {
      log.refuse(
        .composeField, volume.line,
        "volumes.\(volume.key) has fields; it may have a name, as its place and owner come from x-bootstead.volumes")
    }
    reader.checkReferences(self)
  }
}
