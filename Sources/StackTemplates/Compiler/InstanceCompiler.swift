import StackSet

/// Makes one stack of the machine from its template. Everything has been checked before.
struct InstanceCompiler {
  let settings: StackSettings
  let instance: SelectedStack
  let all: [SelectedStack]
  let plan: RoutePlan
  let log: RefusalLog

  private var template: StackTemplate { instance.template }

  func compile() throws -> CompiledStack {
    let description = template.description
    let volumes = description.volumes.map(volume)
    let secrets = description.secrets.filter { instance.isGiven($0) }.map(secret)
    let emitter = ComposeEmitter(
      settings: settings, instance: instance, plan: plan, variables: variables(), volumes: volumes, secrets: secrets)
    let compose = String(decoding: try CanonicalJSON.encode(emitter.compose()), as: UTF8.self)
    return CompiledStack(
      name: instance.name, template: template.name, order: description.order, compose: compose,
      configurations: configurations(), volumes: volumes, secrets: secrets,
      dependsOn: Array(Set(SettingsRules.needs(instance, among: all))).sorted(), backup: backup(),
      routes: plan.leading(to: instance.name), monitors: description.monitors.map(monitor),
      isKubernetesCandidate: description.kubernetes?.isCandidate ?? false)
  }

  /// Values of the file's variables; secrets are not among them.
  private func variables() -> [String: String] {
    var values = ["TZ": instance.instance.environment["TZ"] ?? settings.timeZone]
    if case .fixed(let owner) = settings.identity, template.description.identity == .fixed {
      values["PUID"] = String(owner.user)
      values["PGID"] = String(owner.group)
    }
    for parameter in template.description.parameters {
      let value = instance.instance.parameters[parameter.name] ?? parameter.standard
      values[parameter.variable] = value.map { (try? parameter.checked($0)) ?? $0 }?.text
    }
    return values
  }

  private func volume(_ volume: StackDescription.Volume) -> StackVolume {
    let place = settings.place(of: volume.placement)
    let path =
      volume.isShared
      ? (volume.path == "." ? place : "\(place)/\(volume.path)") : "\(place)/\(instance.name)/\(volume.name)"
    return StackVolume(
      name: volume.name, class: volume.placement, path: path,
      owner: HostOwner(settings: settings, template: template).owner(of: volume), isShared: volume.isShared,
      isBackedUp: volume.isBackedUp, size: volume.size)
  }

  private func secret(_ secret: StackDescription.Secret) -> StackSecret {
    let readers = template.compose.services.filter { service in service.secrets.contains { $0.text == secret.name } }
    let host = HostOwner(settings: settings, template: template)
    // Root of a container reads the files of all its users, so it does not matter.
    let others = readers.filter { !host.startsAsRoot($0) }
    let owners = Set(others.map(host.user))
    if owners.count > 1, secret.delivery == .file {
      log.refuse(
        .owner, 0,
        "stacks: services of '\(instance.name)' read the secret \(secret.name) as different users; one file has one owner, so the template has to name two secrets"
      )
    }
    return StackSecret(
      name: secret.name,
      reference: instance.instance.secrets[secret.name]
        ?? SecretReference.standard(stack: instance.name, secret: secret.name),
      delivery: secret.delivery, owner: owners.first ?? readers.first.map(host.user) ?? .root, generate: secret.generate
    )
  }

  private func configurations() -> [String: String] {
    var result: [String: String] = [:]
    for config in template.compose.configs {
      guard let name = config.value["file"]?.scalarText.flatMap(ComposeReferenceRule.fileName) else { continue }
      result[name] = template.files[name]
    }
    return result
  }

  private func backup() -> StackBackup {
    guard let backup = template.description.backup else { return StackBackup() }
    return StackBackup(
      quiesce: backup.quiesce,
      dump: backup.dump.map { .init(service: $0.service, command: $0.command, output: $0.text ?? "") },
      restore: backup.restore.map { .init(service: $0.service, command: $0.command, input: $0.text ?? "") },
      verify: backup.verify.map { .init(service: $0.service, command: $0.command, expect: $0.text) },
      exclude: backup.exclude.map(\.text))
  }

  private func monitor(_ monitor: StackDescription.Monitor) -> StackMonitor {
    StackMonitor(
      stack: instance.name, service: monitor.service, type: monitor.type, port: monitor.port, path: monitor.path,
      status: monitor.status, command: monitor.command)
  }
}

/// Users of containers, as the machine sees them.
struct HostOwner {
  let settings: StackSettings
  let template: StackTemplate

  func owner(of volume: StackDescription.Volume) -> StackOwner {
    let users = template.compose.services.filter { service in service.mounts.contains { $0.source == volume.name } }
    guard let owner = volume.owner else {
      // A folder that stacks share, whose owner the template leaves to the machine.
      if case .fixed(let owner) = settings.identity { return owner }
      return users.first.map(user) ?? onHost(.root, isExcepted: false)
    }
    // An owner is the policy's where the template's own user of it is.
    if case .fixed(let fixed) = settings.identity, template.description.identity == .fixed,
      users.isEmpty || users.contains(where: { ServiceIdentity($0)?.owner == owner })
    {
      return fixed
    }
    return onHost(owner, isExcepted: !users.isEmpty && users.allSatisfy(Self.needsHostUsers))
  }

  /// Whom the first process of a service runs as.
  func user(of service: ComposeService) -> StackOwner {
    let own = ServiceIdentity(service)
    if case .fixed(let fixed) = settings.identity, template.description.identity == .fixed, own?.form == .user {
      return fixed
    }
    let user = own?.form == .user ? own?.owner : nil
    return onHost(user ?? .root, isExcepted: Self.needsHostUsers(service))
  }

  /// Images that take PUID start as root and change to it later.
  func startsAsRoot(_ service: ComposeService) -> Bool {
    guard let own = ServiceIdentity(service), own.form == .user else { return true }
    return own.owner.user == 0
  }

  private func onHost(_ owner: StackOwner, isExcepted: Bool) -> StackOwner {
    guard case .remapped(let base) = settings.identity, !isExcepted else { return owner }
    return StackOwner(user: base + owner.user, group: base + owner.group)
  }

  /// Docker runs no container with these and remapped users.
  static func needsHostUsers(_ service: ComposeService) -> Bool {
    service.isPrivileged || service.usesHostNetwork || service.node["pid"]?.scalarText == "host"
      || service.node["userns_mode"]?.scalarText == "host"
      || service.mounts.contains { BindMountRule.sockets.contains($0.source) }
  }
}
