import StackSet

/// Writes a stack's Compose file: the template's with all choices made.
struct ComposeEmitter {
  let settings: StackSettings
  let leavesMapping: Bool
  let instance: SelectedStack
  let plan: RoutePlan
  let variables: [String: String]
  let volumes: [StackVolume]
  let secrets: [StackSecret]

  private var template: StackTemplate { instance.template }
  private var network: String { "bootstead-" + instance.name }

  func compose() throws -> ComposeNode {
    var file: [String: ComposeNode] = ["name": ComposeNode(instance.name)]
    var services: [String: ComposeNode] = [:]
    for service in template.compose.services { services[service.name] = emit(service) }
    file["services"] = ComposeNode(services)
    file["networks"] = networks()
    let mounted = secrets.filter { $0.delivery == .file }
    if !mounted.isEmpty {
      file["secrets"] = ComposeNode(
        Dictionary(uniqueKeysWithValues: mounted.map { ($0.name, ComposeNode(["file": ComposeNode($0.path)])) }))
    }
    if !template.compose.configs.isEmpty {
      file["configs"] = ComposeNode(
        Dictionary(uniqueKeysWithValues: template.compose.configs.map { ($0.key, config($0.value)) }))
    }
    return ComposeNode(file)
  }

  private func config(_ node: ComposeNode) -> ComposeNode {
    if let name = node["file"]?.scalarText.flatMap(ComposeReferenceRule.fileName) {
      return ComposeNode(["file": ComposeNode("\(settings.directory)/\(instance.name)/\(name)")])
    }
    return resolved(node)
  }

  /// The template's networks, each by a name of this stack's own.
  private func networks() -> ComposeNode {
    var networks: [String: ComposeNode] = ["default": ComposeNode(["name": ComposeNode(network)])]
    for entry in template.compose.networks {
      var node = resolved(entry.value)
      if node.mapping == nil { node = ComposeNode([String: ComposeNode]()) }
      node["name"] = ComposeNode(entry.key == "default" ? network : "\(network)-\(entry.key)")
      networks[entry.key] = node
    }
    if usesHub {
      networks[RoutePlan.hubNetwork] = ComposeNode([
        "name": ComposeNode(RoutePlan.hubNetwork), "external": ComposeNode(.boolean(true)),
      ])
    }
    return ComposeNode(networks)
  }

  private var usesHub: Bool {
    guard case .stack(let hub) = settings.access.place else { return false }
    return hub == instance.name || plan.routes[instance.name] != nil
  }

  /// With variables at their values; those of secrets stay for Compose.
  private func resolved(_ node: ComposeNode) -> ComposeNode {
    let secret = Set(secrets.filter { $0.delivery == .environment }.map(\.name))
    return node.mapTexts { text, _ in
      guard let interpolation = try? Interpolation(text) else { return text }
      return interpolation.resolved { variable in
        if secret.contains(variable.name) { return nil }
        let value = variables[variable.name].flatMap { $0.isEmpty ? variable.standard ?? "" : $0 }
        return (value ?? variable.standard ?? "").dollarsDoubled
      }
    }
  }

  private func emit(_ service: ComposeService) -> ComposeNode {
    var node = resolved(service.node)
    node["x-healthcheck"] = nil
    if let image = instance.instance.images[service.name] { node["image"] = ComposeNode(image) }
    environment(service, &node)
    identity(service, &node)
    mounts(service, &node)
    networks(service, &node)
    gpu(service, &node)
    if node["restart"] == nil { node["restart"] = ComposeNode("unless-stopped") }
    if node["logging"] == nil { node["logging"] = logging }
    return node
  }

  /// What the operator sets replaces what a service has; what none has is set for all.
  private func environment(_ service: ComposeService, _ node: inout ComposeNode) {
    var values: [String: ComposeNode] = [:]
    let resolvedList = ComposeListReader(path: "", node: node, log: RefusalLog(file: "")).variables("environment")
    for variable in resolvedList {
      values[variable.name] = variable.value.map { ComposeNode($0) } ?? ComposeNode(.null)
    }
    for (name, value) in instance.instance.environment {
      let isElsewhere = template.compose.services.contains { $0.environment.contains { $0.name == name } }
      if values[name] != nil || !isElsewhere { values[name] = ComposeNode(value.dollarsDoubled) }
    }
    if case .fixed(let owner) = settings.identity, template.description.identity == .fixed,
      ServiceIdentity(service)?.form == .variables
    {
      values["PUID"] = ComposeNode(String(owner.user))
      values["PGID"] = ComposeNode(String(owner.group))
    }
    node["environment"] = values.isEmpty ? nil : ComposeNode(values)
  }

  private func identity(_ service: ComposeService, _ node: inout ComposeNode) {
    switch settings.identity {
    case .fixed(let owner):
      if template.description.identity == .fixed, ServiceIdentity(service)?.form == .user {
        node["user"] = ComposeNode("\(owner.user):\(owner.group)")
      }
    case .remapped:
      if HostOwner.needsHostUsers(service) { node["userns_mode"] = ComposeNode("host") }
    case .image: break
    }
    if leavesMapping { node["userns_mode"] = ComposeNode("host") }
    // A number alone would be one of Compose's errors.
    if let user = node["user"]?.scalarText { node["user"] = ComposeNode(user) }
  }

  private func mounts(_ service: ComposeService, _ node: inout ComposeNode) {
    let paths = Dictionary(volumes.map { ($0.name, $0.path) }) { first, _ in first }
    let mounts = service.mounts.filter { $0.long != nil || $0.kind != .temporary }.map { mount in
      var entry: [String: ComposeNode] = [:]
      for field in mount.long?.mapping ?? [] where !["volume", "consistency"].contains(field.key) {
        entry[field.key] = resolved(field.value)
      }
      entry["target"] = ComposeNode(text(mount.target))
      guard mount.kind != .temporary else { return ComposeNode(entry) }
      entry["type"] = ComposeNode("bind")
      entry["source"] = ComposeNode(paths[mount.source] ?? mount.source)
      if mount.isReadOnly { entry["read_only"] = ComposeNode(.boolean(true)) }
      // The agent makes folders with their owners; what is not there is a fault and no new folder of root's.
      entry["bind"] = ComposeNode(["create_host_path": ComposeNode(.boolean(false))])
      return ComposeNode(entry)
    }
    node["volumes"] = mounts.isEmpty ? nil : ComposeNode(mounts)
  }

  private func text(_ text: String) -> String { resolved(ComposeNode(text)).string ?? text }

  private func networks(_ service: ComposeService, _ node: inout ComposeNode) {
    for entry in plan.published[instance.name]?[service.name] ?? [] {
      let port: [String: ComposeNode] = [
        "mode": ComposeNode("host"), "target": ComposeNode(.integer(entry.target)),
        "host_ip": ComposeNode(entry.address), "published": ComposeNode(String(entry.port)),
        "protocol": ComposeNode("tcp"),
      ]
      node["ports"] = ComposeNode((node["ports"]?.sequence ?? []) + [ComposeNode(port)])
    }
    guard case .stack(let hub) = settings.access.place, service.networkMode == nil else { return }
    let isRouted = (plan.routes[instance.name] ?? []).contains { route in
      route.service == service.name || template.compose.service(route.service)?.networkOwner == service.name
    }
    guard hub == instance.name || isRouted else { return }
    var own: [String: ComposeNode] = [:]
    if let entries = node["networks"]?.mapping {
      for entry in entries { own[entry.key] = entry.value }
    } else {
      for network in service.networks { own[network.text] = ComposeNode(.null) }
      if own.isEmpty { own["default"] = ComposeNode(.null) }
    }
    own[RoutePlan.hubNetwork] = ComposeNode([
      "aliases": ComposeNode([ComposeNode(RoutePlan.alias(instance.name, service.name))])
    ])
    node["networks"] = ComposeNode(own)
    if hub == instance.name, node["extra_hosts"] == nil {
      node["extra_hosts"] = ComposeNode([ComposeNode("host.docker.internal:host-gateway")])
    }
  }

  private func gpu(_ service: ComposeService, _ node: inout ComposeNode) {
    guard
      let parameter = template.description.parameters.first(where: { $0.name == StackParameter.gpu }),
      parameter.services.contains(where: { $0.text == service.name })
    else { return }
    let choice = (instance.instance.parameters[parameter.name] ?? parameter.standard)?.text
    switch (choice, settings.engine) {
    case ("dri", _): addDevice("/dev/dri:/dev/dri", &node)
    case ("nvidia", .podman): addDevice("nvidia.com/gpu=all", &node)
    case ("nvidia", .docker):
      let device: [String: ComposeNode] = [
        "driver": ComposeNode("nvidia"), "count": ComposeNode("all"),
        "capabilities": ComposeNode([ComposeNode("gpu")]),
      ]
      var deploy = node["deploy"] ?? ComposeNode([String: ComposeNode]())
      var resources = deploy["resources"] ?? ComposeNode([String: ComposeNode]())
      var reservations = resources["reservations"] ?? ComposeNode([String: ComposeNode]())
      reservations["devices"] = ComposeNode((reservations["devices"]?.sequence ?? []) + [ComposeNode(device)])
      resources["reservations"] = reservations
      deploy["resources"] = resources
      node["deploy"] = deploy
    default: break
    }
  }

  private func addDevice(_ device: String, _ node: inout ComposeNode) {
    let devices = node["devices"]?.sequence ?? []
    guard !devices.contains(where: { $0.scalarText == device }) else { return }
    node["devices"] = ComposeNode(devices + [ComposeNode(device)])
  }

  /// Logs do not fill the disk.
  private var logging: ComposeNode {
    settings.engine == .podman
      ? ComposeNode(["driver": ComposeNode("journald")])
      : ComposeNode([
        "driver": ComposeNode("json-file"),
        "options": ComposeNode(["max-size": ComposeNode("10m"), "max-file": ComposeNode("3")]),
      ])
  }
}

extension String {
  /// As Compose takes a dollar sign.
  var dollarsDoubled: String { split(separator: "$", omittingEmptySubsequences: false).joined(separator: "$$") }
}
