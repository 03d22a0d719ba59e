import StackSet

/// Reads `x-bootstead`.
struct StackDescriptionReader {
  let log: RefusalLog

  func read(_ node: ComposeNode) -> StackDescription? {
    guard var fields = FieldReader(node, "x-bootstead", log: log) else { return nil }
    let version = fields.integer("schema", in: 1...1)
    let result = StackDescription(
      line: node.line,
      function: fields.text("function") ?? "",
      implementation: fields.text("implementation") ?? "",
      description: fields.text("description") ?? "",
      order: fields.integer("order", in: 1...99) ?? 70,
      architectures: fields.texts("architectures"),
      parameters: fields.entries("parameters").compactMap(parameter),
      allowsInstances: fields.boolean("instances", default: false),
      volumes: fields.entries("volumes").compactMap(volume),
      identity: fields.choice("identity", of: StackDescription.Identity.self) ?? .image,
      identityReason: fields.optionalText("identityReason"),
      routes: fields.list("routes").compactMap(route),
      ports: fields.list("ports").compactMap(port),
      secrets: fields.entries("secrets").compactMap(secret),
      privileges: fields.list("privileges").compactMap(privilege),
      dependsOn: fields.texts("dependsOn"),
      backup: fields.optional("backup").flatMap(backup),
      monitors: fields.list("monitor").compactMap(monitor),
      kubernetes: fields.required("kubernetes").flatMap(kubernetes))
    fields.finish()
    checkNames(result)
    if node["architectures"] == nil {
      log.refuse(
        .architecture, node.line, "x-bootstead.architectures is missing; name x86_64-linux, aarch64-linux or both")
    }
    return version == nil ? nil : result
  }

  private func checkNames(_ description: StackDescription) {
    for route in description.routes where !StackName.isValid(route.name) {
      log.refuse(.schema, route.line, "the route's name '\(route.name)' is none; use a-z, 0-9 and inner hyphens")
    }
    if description.identity == .root, description.identityReason == nil {
      log.refuse(.schema, description.line, "x-bootstead.identity is root without identityReason; say why it has to be")
    }
  }

  private func parameter(_ entry: ComposeNode.Entry) -> StackParameter? {
    guard var fields = FieldReader(entry.value, "x-bootstead.parameters.\(entry.key)", log: log),
      let type = fields.choice("type", of: StackParameter.Kind.self)
    else { return nil }
    let standard = fields.optional("default")
    var parameter = StackParameter(
      name: entry.key, line: entry.line, type: type, variable: fields.optionalText("variable") ?? entry.key,
      standard: nil, choices: fields.list("choices").compactMap(\.scalarText),
      minimum: fields.optionalInteger("minimum", in: Int.min...Int.max),
      maximum: fields.optionalInteger("maximum", in: Int.min...Int.max), services: fields.texts("services"),
      description: fields.text("description") ?? "")
    fields.finish()
    if type == .choice, parameter.choices.isEmpty { fields.refuse(entry.line, " has no choices; list them") }
    if let standard {
      do { parameter.standard = try parameter.value(standard) } catch {
        log.refuse(.parameter, standard.line, "x-bootstead.parameters.\(entry.key).default \(error.text)")
      }
    }
    return parameter
  }

  private func volume(_ entry: ComposeNode.Entry) -> StackDescription.Volume? {
    let path = "x-bootstead.volumes.\(entry.key)"
    guard var fields = FieldReader(entry.value, path, log: log),
      let placement = fields.choice("class", of: PlacementClass.self)
    else { return nil }
    let isShared = fields.boolean("shared", default: false)
    let backup = fields.boolean("backup", default: placement != .scratch && !isShared)
    var volume = StackDescription.Volume(
      name: entry.key, line: entry.line, placement: placement, owner: nil, isShared: isShared,
      path: fields.optionalText("path") ?? ".", isBackedUp: backup, size: nil)
    if let owner = fields.optional("owner") {
      volume.owner = StackOwner(owner.scalarText ?? "")
      if volume.owner == nil {
        log.refuse(
          .owner, owner.line,
          "\(path).owner is no \"USER:GROUP\" in numbers from 0 to 65534; quote it, as \"1000:1000\"")
      }
    }
    if let size = fields.optional("size") {
      volume.size = ByteSize.parse(size.scalarText ?? "")
      if volume.size == nil { fields.refuse(size.line, ".size is no size; write it as \"20GiB\"") }
    }
    if let below = fields.optional("path"), !isShared {
      fields.refuse(below.line, ".path is for shared volumes; leave it out, or set shared: true")
    }
    if !RelativePath.isValid(volume.path) {
      fields.refuse(entry.line, ".path leads out of its class; give a path below it")
    }
    fields.finish()
    return volume
  }

  private func route(_ node: ComposeNode) -> StackDescription.Route? {
    guard var fields = FieldReader(node, "x-bootstead.routes", log: log) else { return nil }
    defer { fields.finish() }
    let name = fields.text("name")
    let service = fields.text("service")
    let port = fields.integer("port", in: 1...65535)
    let scheme = fields.choice("scheme", of: RouteScheme.self)
    let exposure = fields.choice("exposure", of: StackExposure.self)
    guard let name, let service, let port, let scheme, let exposure else { return nil }
    return StackDescription.Route(
      line: node.line, name: name, service: service, port: port, scheme: scheme == .https ? .https : .http,
      exposure: exposure)
  }

  private enum RouteScheme: String, CaseIterable { case http, https }
  private enum Transport: String, CaseIterable { case tcp, udp, both }
  private enum Delivery: String, CaseIterable { case file, environment }
  private enum Encoding: String, CaseIterable { case hex, base64 }
  private enum Quiesce: String, CaseIterable { case dump, stop, pause, none }

  private func port(_ node: ComposeNode) -> StackDescription.Port? {
    guard var fields = FieldReader(node, "x-bootstead.ports", log: log) else { return nil }
    defer { fields.finish() }
    let service = fields.text("service")
    let port = fields.integer("port", in: 1...65535)
    let transport = node["protocol"] == nil ? .tcp : fields.choice("protocol", of: Transport.self)
    let kind = fields.choice("kind", of: StackDescription.Port.Kind.self)
    let reason = fields.text("reason")
    guard let service, let port, let transport, let kind, reason != nil else { return nil }
    return StackDescription.Port(
      line: node.line, service: service, port: port, transport: transport.rawValue, kind: kind)
  }

  private func secret(_ entry: ComposeNode.Entry) -> StackDescription.Secret? {
    let path = "x-bootstead.secrets.\(entry.key)"
    guard var fields = FieldReader(entry.value, path, log: log) else { return nil }
    defer { fields.finish() }
    let delivery = fields.choice("as", of: Delivery.self)
    let description = fields.text("description") ?? ""
    let isAsked = fields.boolean("ask", default: false)
    var generation: StackSecret.Generation?
    if let node = fields.optional("generate"), var inner = FieldReader(node, path + ".generate", log: log) {
      let bytes = inner.integer("bytes", in: 16...1024) ?? 32
      let encoding = node["encoding"] == nil ? .hex : inner.choice("encoding", of: Encoding.self) ?? .hex
      inner.finish()
      generation = StackSecret.Generation(bytes: bytes, encoding: encoding == .hex ? .hex : .base64)
    }
    if isAsked == (generation != nil) {
      fields.refuse(entry.line, " needs one of generate and ask; say how its value comes to be")
    }
    guard let delivery else { return nil }
    return StackDescription.Secret(
      name: entry.key, line: entry.line, delivery: delivery == .file ? .file : .environment, generate: generation,
      description: description)
  }

  private func privilege(_ node: ComposeNode) -> StackDescription.Privilege? {
    guard var fields = FieldReader(node, "x-bootstead.privileges", log: log) else { return nil }
    defer { fields.finish() }
    let service = fields.text("service")
    let what = fields.text("what")
    let reason = fields.text("reason")
    guard let service, let what, let reason else { return nil }
    return StackDescription.Privilege(line: node.line, service: service, what: what, reason: reason)
  }

  private func backup(_ node: ComposeNode) -> StackDescription.Backup? {
    guard var fields = FieldReader(node, "x-bootstead.backup", log: log) else { return nil }
    let quiesce = fields.choice("quiesce", of: Quiesce.self)
    let backup = StackDescription.Backup(
      line: node.line, quiesce: quiesce.flatMap { StackBackup.Quiesce(rawValue: $0.rawValue) } ?? .stop,
      dump: fields.list("dump").compactMap { hook($0, "dump", text: "output", isRequired: true) },
      restore: fields.list("restore").compactMap { hook($0, "restore", text: "input", isRequired: true) },
      verify: fields.list("verify").compactMap { hook($0, "verify", text: "expect", isRequired: false) },
      exclude: fields.texts("exclude"))
    fields.finish()
    return backup
  }

  private func hook(_ node: ComposeNode, _ kind: String, text: String, isRequired: Bool) -> StackDescription.Hook? {
    guard var fields = FieldReader(node, "x-bootstead.backup.\(kind)", log: log) else { return nil }
    defer { fields.finish() }
    let service = fields.text("service")
    let command = fields.command("command")
    let extra = isRequired ? fields.text(text) : fields.optionalText(text)
    guard let service, let command else { return nil }
    return StackDescription.Hook(line: node.line, service: service, command: command, text: extra)
  }

  private func monitor(_ node: ComposeNode) -> StackDescription.Monitor? {
    guard var fields = FieldReader(node, "x-bootstead.monitor", log: log) else { return nil }
    defer { fields.finish() }
    let service = fields.text("service")
    guard let type = fields.choice("type", of: StackMonitor.Kind.self), let service else { return nil }
    var monitor = StackDescription.Monitor(line: node.line, service: service, type: type)
    switch type {
    case .http:
      monitor.port = fields.integer("port", in: 1...65535)
      monitor.path = fields.text("path")
      monitor.status = fields.optionalInteger("status", in: 100...599) ?? 200
      if monitor.path?.hasPrefix("/") == false { fields.refuse(node.line, ".path begins with a slash") }
    case .tcp: monitor.port = fields.integer("port", in: 1...65535)
    case .exec: monitor.command = fields.command("command")
    }
    return monitor
  }

  private func kubernetes(_ node: ComposeNode) -> StackDescription.Kubernetes? {
    guard var fields = FieldReader(node, "x-bootstead.kubernetes", log: log) else { return nil }
    defer { fields.finish() }
    guard fields.required("candidate") != nil else { return nil }
    return StackDescription.Kubernetes(
      line: node.line, isCandidate: fields.boolean("candidate", default: false), reason: fields.text("reason") ?? "")
  }
}
