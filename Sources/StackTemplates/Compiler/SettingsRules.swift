import StackSet

/// What a machine's choices are measured by, before anything is made of them.
struct SettingsRules {
  let settings: StackSettings
  let instances: [SelectedStack]
  let log: RefusalLog

  func check() {
    names()
    dependencies()
    for selected in instances {
      architecture(selected)
      parameters(selected)
      environment(selected)
      secrets(selected)
      images(selected)
      sizes(selected)
      identity(selected)
    }
    placement()
    identity()
    AccessRules(settings: settings, instances: instances, log: log).check()
  }

  private func names() {
    var seen: Set<String> = []
    var templates: [String: [String]] = [:]
    for instance in settings.stacks {
      if !StackName.isValid(instance.name) {
        log.refuse(
          .instanceUnique, 0, "stacks: '\(instance.name)' is no name; use a-z, 0-9 and inner hyphens, at most 63")
      }
      if StackName.isReserved(instance.name) {
        log.refuse(
          .instanceUnique, 0,
          "stacks: '\(instance.name)' is a folder that backup servers have for themselves; give it another name and template: \(instance.template)"
        )
      }
      if !seen.insert(instance.name).inserted {
        log.refuse(
          .instanceUnique, 0,
          "stacks: '\(instance.name)' is there twice; give one another name and template: \(instance.template)")
      }
      templates[instance.template, default: []].append(instance.name)
    }
    for selected in instances where !selected.template.description.allowsInstances {
      let all = Set(templates[selected.template.name] ?? [])
      if all.count > 1, selected.name == all.max() {
        log.refuse(
          .instanceUnique, 0,
          "stacks: \(all.sorted().joined(separator: " and ")) are all made of '\(selected.template.name)', of which a machine runs one; keep one"
        )
      }
    }
  }

  private func dependencies() {
    var edges: [String: [String]] = [:]
    for selected in instances {
      edges[selected.name] = Self.needs(selected, among: instances)
      for dependency in selected.template.description.dependsOn
      where !instances.contains(where: { $0.name == dependency.text || $0.template.name == dependency.text }) {
        log.refuse(
          .dependency, 0,
          "stacks: '\(selected.name)' needs '\(dependency.text)', which this machine does not run; add it")
      }
    }
    if let circle = DependencyOrder.circle(in: edges) {
      log.refuse(.dependency, 0, "stacks: \(circle.joined(separator: ", ")) need each other in a circle; take one away")
    }
  }

  /// The stacks of the machine that one needs: of each template the one of that name, otherwise all.
  static func needs(_ selected: SelectedStack, among all: [SelectedStack]) -> [String] {
    selected.template.description.dependsOn.flatMap { dependency in
      all.contains { $0.name == dependency.text }
        ? [dependency.text] : all.filter { $0.template.name == dependency.text }.map(\.name)
    }
  }

  private func architecture(_ selected: SelectedStack) {
    let known = selected.template.description.architectures.map(\.text)
    if !known.contains(settings.architecture) {
      log.refuse(
        .architecture, 0,
        "stacks: '\(selected.name)' runs on \(known.joined(separator: ", ")), and the machine is \(settings.architecture); run it on another one"
      )
    }
  }

  private func parameters(_ selected: SelectedStack) {
    let known = Dictionary(selected.template.description.parameters.map { ($0.name, $0) }) { first, _ in first }
    for (name, value) in selected.instance.parameters.sorted(by: { $0.key < $1.key }) {
      let path = "\(selected.path).parameters.\(name)"
      guard let parameter = known[name] else {
        let names = known.keys.sorted().joined(separator: ", ")
        log.refuse(
          .parameter, 0,
          "\(path): '\(selected.template.name)' has no such parameter; it has \(names.isEmpty ? "none" : names)")
        continue
      }
      do { _ = try parameter.checked(value) } catch { log.refuse(.parameter, 0, "\(path) \(error.text)") }
      if SecretShape.looksLikeKey(value.text) {
        log.refuse(.secretLiteral, 0, "\(path) looks like a key or a token; give it in secrets, as \"secret:NAME\"")
      }
    }
    for parameter in known.values where parameter.standard == nil {
      if selected.instance.parameters[parameter.name] == nil {
        log.refuse(
          .parameter, 0, "\(selected.path).parameters.\(parameter.name) is missing: \(parameter.description); set it")
      }
    }
  }

  private func environment(_ selected: SelectedStack) {
    for (name, value) in selected.instance.environment.sorted(by: { $0.key < $1.key }) {
      let path = "\(selected.path).environment.\(name)"
      let isName =
        name.first?.isNumber == false && name.allSatisfy { $0 == "_" || ($0.isASCII && ($0.isLetter || $0.isNumber)) }
      if !isName { log.refuse(.parameter, 0, "\(path) is no variable's name; use A-Z, 0-9 and _") }
      if (SecretShape.isSecret(name: name) && SecretShape.isLiteral(value)) || SecretShape.looksLikeKey(value) {
        log.refuse(
          .secretLiteral, 0, "\(path) is a secret, and would be read by all; give it in secrets, as \"secret:NAME\"")
      }
    }
  }

  private func secrets(_ selected: SelectedStack) {
    let known = selected.template.description.secrets
    for (name, reference) in selected.instance.secrets.sorted(by: { $0.key < $1.key }) {
      let path = "\(selected.path).secrets.\(name)"
      if !known.contains(where: { $0.name == name }) {
        let names = known.map(\.name).sorted().joined(separator: ", ")
        log.refuse(
          .secretUndeclared, 0,
          "\(path): '\(selected.template.name)' has no such secret; it has \(names.isEmpty ? "none" : names)")
      }
      // The value is not repeated: somebody may have written the secret itself.
      if !SecretReference.isValid(reference) {
        log.refuse(
          .secretLiteral, 0,
          "\(path) is no \"secret:NAME\"; store the value with 'bootstead machine secret', and name it here")
      }
    }
    for secret in known
    where selected.isGiven(secret) && secret.generate == nil
      && selected.instance.secrets[secret.name] == nil
    {
      log.refuse(
        .secretUndeclared, 0,
        "\(selected.path).secrets.\(secret.name) is missing: \(secret.description); set it to \"secret:NAME\"")
    }
  }

  private func images(_ selected: SelectedStack) {
    for (service, image) in selected.instance.images.sorted(by: { $0.key < $1.key }) {
      let path = "\(selected.path).images.\(service)"
      if selected.template.compose.service(service) == nil {
        log.refuse(.imagePinned, 0, "\(path): '\(selected.template.name)' has no such service; correct the name")
      }
      if let problem = ImagePinnedRule.problem(of: image) { log.refuse(.imagePinned, 0, "\(path): \(problem)") }
    }
  }

  private func sizes(_ selected: SelectedStack) {
    let volumes = selected.template.description.volumes
    for (name, size) in selected.instance.sizes.sorted(by: { $0.key < $1.key }) {
      let path = "\(selected.path).sizes.\(name)"
      if ByteSize.parse(size) == nil {
        log.refuse(.parameter, 0, "\(path) is '\(size)'; write it as 200GiB, with MiB, GiB or TiB, at most 256TiB")
      }
      guard let volume = volumes.first(where: { $0.name == name }) else {
        let known = volumes.filter { !$0.isShared }.map(\.name).sorted().joined(separator: ", ")
        log.refuse(
          .volumeUndeclared, 0,
          "\(path): '\(selected.template.name)' has no such volume; it has \(known.isEmpty ? "none" : known)")
        continue
      }
      if volume.isShared {
        log.refuse(
          .volumeUndeclared, 0,
          "\(path): stacks share \(name), so that it lies on the file system of the class \(volume.placement.rawValue); size that where the disks are laid out"
        )
      }
    }
  }

  private func placement() {
    if !AbsolutePath.isValid(settings.directory) {
      log.refuse(
        .volumeUndeclared, 0, "settings.stacks.directory is '\(settings.directory)'; it takes an absolute path")
    }
    var classes: [PlacementClass: String] = [:]
    for selected in instances {
      for volume in selected.template.description.volumes { classes[volume.placement] = selected.name }
    }
    for placementClass in classes.keys.sorted(by: { $0.rawValue < $1.rawValue }) {
      let path = settings.place(of: placementClass)
      if !AbsolutePath.isValid(path) {
        log.refuse(
          .volumeUndeclared, 0,
          "settings.stacks.placement.\(placementClass.rawValue) is '\(path)'; it takes an absolute path")
      }
    }
    if classes[.db] != nil, let mount = settings.fileSystem(of: settings.place(of: .db)), mount.isRemote {
      log.refuse(
        .databaseOnNFS, 0,
        "settings.stacks.placement.db: \(settings.place(of: .db)) is on \(mount.type), where databases are damaged; put it on a disk of this machine"
      )
    }
    guard classes[.media] != nil, classes[.downloads] != nil else { return }
    let (media, downloads) = (settings.place(of: .media), settings.place(of: .downloads))
    if settings.fileSystem(of: media)?.mountPoint != settings.fileSystem(of: downloads)?.mountPoint {
      log.refuse(
        .mediaDownloadsOneFileSystem, 0,
        "settings.stacks.placement: media (\(media)) and downloads (\(downloads)) lie on different file systems, so that each download would be copied and kept twice; put both on one"
      )
    }
  }

  private func identity() {
    switch settings.identity {
    case .image: break
    case .fixed(let owner):
      if !(0...65533).contains(owner.user) || !(0...65533).contains(owner.group) {
        log.refuse(.owner, 0, "settings.stacks.identity: user and group are numbers from 0 to 65533; correct them")
      }
    case .remapped(let base):
      if base < 1 || base > Int(UInt32.max) - 2 * 65536 {
        log.refuse(
          .owner, 0,
          "settings.stacks.identity.remapBase is \(base); it takes a number from 1 whose next 65536 are users too")
      }
      if settings.engine == .podman {
        log.refuse(.owner, 0, "settings.stacks.identity: userns-remap is Docker's; use fixed or image with Podman")
      }
    }
  }
}

extension SettingsRules {
  /// Of one stack that is an exception.
  private func identity(_ selected: SelectedStack) {
    let path = "\(selected.path).identity"
    switch selected.instance.identity {
    case nil, .image: break
    case .fixed(let owner):
      if !(0...65533).contains(owner.user) || !(0...65533).contains(owner.group) {
        log.refuse(.owner, 0, "\(path): user and group are numbers from 0 to 65533; correct them")
      }
      if selected.template.description.identity != .fixed {
        log.refuse(
          .owner, 0,
          "\(path): the images of '\(selected.template.name)' run as users of their own, which nobody can choose; leave it out, or set the policy image"
        )
      }
    case .remapped:
      if case .remapped = settings.identity { break }
      log.refuse(
        .owner, 0,
        "\(path): the engine maps the users of all stacks or of none; set settings.stacks.identity to userns-remap, and except others"
      )
    }
  }
}

/// References to secrets.
enum SecretReference {
  /// `secret:` and a name: up to 64 of a-z, 0-9, points and hyphens, and no 21 letters without one of these.
  static func isValid(_ text: String) -> Bool {
    guard text.hasPrefix("secret:") else { return false }
    let name = text.dropFirst("secret:".count)
    guard (1...64).contains(name.utf8.count), let first = name.first, let last = name.last, first.isWord, last.isWord
    else { return false }
    return name.allSatisfy { $0.isWord || $0 == "." || $0 == "-" }
      && name.split { $0 == "." || $0 == "-" }.allSatisfy { $0.count <= 20 }
  }

  /// The name of a secret that is made for a stack and that nobody named.
  static func standard(stack: String, secret: String) -> String {
    let name = secret.lowercased().map { $0.isWord ? $0 : "-" }
    return "secret:" + stack + "-" + String(name)
  }
}

extension Character {
  fileprivate var isWord: Bool { ("a"..."z").contains(self) || ("0"..."9").contains(self) }
}
