/// Reads services, and refuses what no stack may use.
struct ComposeFileReader {
  let log: RefusalLog

  static let topFields: Set = ["name", "services", "volumes", "networks", "secrets", "configs", "x-bootstead"]

  static let serviceFields: Set = [
    "annotations", "cap_add", "cap_drop", "cgroup", "command", "configs", "cpu_shares", "cpus", "depends_on",
    "deploy", "device_cgroup_rules", "devices", "dns", "dns_opt", "dns_search", "entrypoint", "environment", "expose",
    "extra_hosts", "group_add", "healthcheck", "hostname", "image", "init", "ipc", "labels", "logging", "mem_limit",
    "mem_reservation", "memswap_limit", "network_mode", "networks", "oom_score_adj", "pid", "pids_limit", "platform",
    "ports", "privileged", "pull_policy", "read_only", "restart", "runtime", "secrets", "security_opt", "shm_size",
    "stdin_open", "stop_grace_period", "stop_signal", "sysctls", "tmpfs", "tty", "ulimits", "user", "userns_mode",
    "volumes", "working_dir", "x-healthcheck",
  ]

  /// Fields of Compose that have no place in a stack, and what to do instead.
  static let refusedFields: [String: String] = [
    "build": "images are pulled and never built on a node; name an image",
    "container_name": "several of a stack would have the same name; leave it out",
    "env_file": "what is in it escapes all checks; use environment, or secrets",
    "extends": "a template is one file; write the service whole",
    "links": "services reach each other by name already; leave it out",
    "profiles": "all services of a stack run; make another stack of what is optional",
    "scale": "make another instance of the stack instead",
    "volumes_from": "mount the volume by its name",
  ]

  func checkFields(_ root: ComposeNode) {
    for entry in root.mapping ?? [] where !ComposeFileReader.topFields.contains(entry.key) {
      if entry.key.hasPrefix("x-"), entry.key != "x-bootstead" { continue }
      let remedy =
        entry.key == "version"
        ? "Compose does not look at it any more; leave it out"
        : "known are \(ComposeFileReader.topFields.sorted().joined(separator: ", "))"
      log.refuse(.composeField, entry.line, "there is no field '\(entry.key)'; \(remedy)")
    }
  }

  func entries(_ root: ComposeNode, _ key: String) -> [ComposeNode.Entry] {
    guard let value = root[key], value.content != .null else { return [] }
    guard let entries = value.mapping else {
      log.refuse(.composeField, value.line, "\(key) is \(value.kind); it takes a mapping by name")
      return []
    }
    return entries
  }

  func service(_ entry: ComposeNode.Entry) -> ComposeService? {
    let path = "services.\(entry.key)"
    guard let fields = entry.value.mapping else {
      log.refuse(.composeField, entry.line, "\(path) is \(entry.value.kind); give it its fields")
      return nil
    }
    if !StackName.isValid(entry.key) {
      log.refuse(.composeField, entry.line, "the service's name '\(entry.key)' is none; use a-z, 0-9 and inner hyphens")
    }
    for field in fields where !ComposeFileReader.serviceFields.contains(field.key) {
      let remedy = ComposeFileReader.refusedFields[field.key] ?? "Compose or Bootstead does not know it; leave it out"
      log.refuse(.composeField, field.line, "\(path).\(field.key): \(remedy)")
    }
    var service = ComposeService(name: entry.key, line: entry.line, node: entry.value)
    let lists = ComposeListReader(path: path, node: entry.value, log: log)
    service.image = lists.text("image")
    if service.image == nil { log.refuse(.composeField, entry.line, "\(path) has no image; name one") }
    service.environment = lists.variables("environment")
    service.mounts = lists.elements("volumes").compactMap(lists.mount) + lists.temporary()
    service.ports = lists.elements("ports").compactMap(lists.port)
    service.networks = lists.names("networks")
    service.secrets = lists.references("secrets")
    service.configs = lists.references("configs")
    service.dependsOn = lists.dependencies()
    service.capabilities = lists.texts("cap_add")
    service.devices = lists.texts("devices")
    for key in ["user", "restart", "network_mode", "pid", "ipc", "userns_mode"] { _ = lists.text(key) }
    for key in ["privileged", "init", "read_only", "tty", "stdin_open"] { lists.requireBoolean(key) }
    for key in ["healthcheck", "deploy", "logging"] { lists.requireMapping(key) }
    return service
  }

  /// Names that lead nowhere in the file itself.
  func checkReferences(_ file: ComposeFile) {
    let names = Set(file.services.map(\.name))
    let networks = Set(file.networks.map(\.key)).union(["default"])
    let configs = Set(file.configs.map(\.key))
    for service in file.services {
      for dependency in service.dependsOn where !names.contains(dependency.service) {
        log.refuse(
          .composeField, dependency.line,
          "services.\(service.name).depends_on: there is no service '\(dependency.service)'; correct the name")
      }
      for network in service.networks where !networks.contains(network.text) {
        log.refuse(
          .composeField, network.line,
          "services.\(service.name).networks: there is no network '\(network.text)'; declare it in networks")
      }
      for config in service.configs where !configs.contains(config.text) {
        log.refuse(
          .composeField, config.line,
          "services.\(service.name).configs: there is no configuration '\(config.text)'; declare it in configs")
      }
      if let mode = service.networkMode {
        let isKnown = mode.text == "host" || mode.text == "none" || service.networkOwner.map(names.contains) == true
        if !isKnown {
          log.refuse(
            .composeField, mode.line,
            "services.\(service.name).network_mode is '\(mode.text)'; it takes host, none or service:NAME of this file")
        }
        if !service.networks.isEmpty {
          log.refuse(.composeField, mode.line, "services.\(service.name) has network_mode and networks; keep one")
        }
      }
    }
  }
}
