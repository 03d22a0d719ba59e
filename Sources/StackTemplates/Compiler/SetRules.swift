import StackSet

/// What the whole set of a machine is measured by.
struct SetRules {
  let settings: StackSettings
  let instances: [SelectedStack]
  let stacks: [String: CompiledStack]
  let log: RefusalLog

  func check() {
    let sorted = stacks.values.sorted { $0.name < $1.name }
    routes(sorted)
    ports()
    owners(sorted)
    folders(sorted)
  }

  private func routes(_ stacks: [CompiledStack]) {
    var names: [String: String] = [:]
    for route in settings.access.routes {
      for name in settings.access.names(route) {
        if let other = names.updateValue(route.path, forKey: name) {
          log.refuse(.routeNameUnique, 0, "\(route.path) has the name \(name), as \(other) has; give it another host")
        }
      }
    }
    for stack in stacks {
      for route in stack.routes {
        for name in route.names {
          if let other = names.updateValue("\(stack.name) (\(route.name))", forKey: name) {
            log.refuse(
              .routeNameUnique, 0,
              "stacks: \(other) and \(stack.name) (\(route.name)) both have the name \(name); set settings.stacks.settings.\(stack.name).host"
            )
          }
        }
      }
    }
  }

  private func ports() {
    var users: [String: String] = [:]
    for selected in instances {
      for port in selected.template.description.ports {
        for transport in port.transport == "both" ? ["tcp", "udp"] : [port.transport] {
          let key = "\(port.port)/\(transport)"
          if let other = users[key], other != selected.name {
            log.refuse(
              .portPublished, 0,
              "stacks: \(other) and \(selected.name) both publish \(key); run one of them on another machine")
          }
          users[key] = selected.name
        }
      }
    }
  }

  /// Who writes into one folder agrees on whose it is.
  private func owners(_ stacks: [CompiledStack]) {
    var writers: [String: (stack: String, owner: StackOwner)] = [:]
    for stack in stacks {
      guard let template = instances.first(where: { $0.name == stack.name })?.template else { continue }
      for volume in stack.volumes where volume.isShared {
        let isWritten = template.compose.services.contains { service in
          service.mounts.contains { $0.source == volume.name && !$0.isReadOnly }
        }
        guard isWritten, volume.owner.user != 0 else { continue }
        if let other = writers[volume.path], other.owner != volume.owner {
          log.refuse(
            .owner, 0,
            "stacks: \(other.stack) writes to \(volume.path) as \(other.owner.user):\(other.owner.group), and \(stack.name) as \(volume.owner.user):\(volume.owner.group); set settings.stacks.identity to fixed"
          )
        }
        writers[volume.path] = writers[volume.path] ?? (stack.name, volume.owner)
      }
    }
  }

  /// No stack's own folder lies in another's, or is one that stacks share.
  private func folders(_ stacks: [CompiledStack]) {
    let shared = Set(stacks.flatMap(\.volumes).filter(\.isShared).map(\.path))
    var own: [String: String] = [:]
    for stack in stacks {
      for volume in stack.volumes where !volume.isShared {
        let parent = volume.path.split(separator: "/").dropLast().joined(separator: "/")
        if shared.contains(volume.path) || shared.contains("/" + parent) {
          log.refuse(
            .instanceUnique, 0,
            "stacks: \(stack.name) keeps \(volume.name) in \(volume.path), which other stacks share; give it another name"
          )
        }
        if let other = own.updateValue(stack.name, forKey: volume.path) {
          log.refuse(
            .instanceUnique, 0,
            "stacks: \(other) and \(stack.name) both keep data in \(volume.path); give one another name")
        }
      }
    }
  }
}
