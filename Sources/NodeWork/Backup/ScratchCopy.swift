import FoundationEssentials
import Glibc
import StackSet

/// A second copy of a stack, for a test of its restore: another name, restored data in place of its own, no ports, no
/// network but a private one without a way out, and none of the rights by which it could touch what runs.
struct ScratchCopy {
  let project: String
  let folder: String
  /// What is other than in the stack.
  private(set) var notes: [String] = []
  private let stack: CompiledStack
  private var file: ComposeValue
  private var emptyFolders: [StackVolume] = []

  /// What the machine has of the same for everybody, to read.
  private static let readable: Set<String> = ["/etc/localtime", "/etc/timezone"]

  /// - Parameter work: where `volumes` of the archive lie.
  /// - Throws: kind `services` where the stack can not be started twice, with the reason.
  init(of stack: CompiledStack, in work: String) throws(NodeWorkError) {
    self.stack = stack
    project = "bootstead-test-" + stack.name
    folder = work + "/stack-copy"
    do {
      file = try JSONDecoder().decode(ComposeValue.self, from: Data(stack.compose.utf8))
    } catch {
      throw NodeWorkError(.services, "the archive's Compose file can not be read as JSON")
    }
    guard stack.dependsOn.isEmpty else {
      throw Self.refusal("it needs the stacks \(stack.dependsOn.joined(separator: ", ")), which the copy does not have")
    }
    file["name"] = .text(project)
    var services: [String: ComposeValue] = [:]
    for (name, service) in (file["services"]?.fields ?? [:]).sorted(by: { $0.key < $1.key }) {
      services[name] = try changed(service, name, work)
    }
    file["services"] = .fields(services)
    var networks: [String: ComposeValue] = [:]
    for name in Set((file["networks"]?.fields ?? [:]).keys).union(["default"]) {
      networks[name] = .fields(["internal": .flag(true)])
    }
    file["networks"] = .fields(networks)
    if var configurations = file["configs"]?.fields {
      for (name, value) in configurations {
        guard let leaf = value["file"]?.text?.split(separator: "/").last else { continue }
        configurations[name]?["file"] = .text(folder + "/" + leaf)
      }
      file["configs"] = .fields(configurations)
    }
  }

  private static func refusal(_ why: String) -> NodeWorkError {
    NodeWorkError(.services, "the stack can not be started twice: \(why)")
  }

  private mutating func changed(
    _ service: ComposeValue, _ name: String, _ work: String
  ) throws(NodeWorkError) -> ComposeValue {
    var service = service
    if service["privileged"] == .flag(true) { throw Self.refusal("\(name) is privileged") }
    for field in ["cap_add", "devices", "device_cgroup_rules", "sysctls", "volumes_from", "external_links"] {
      guard let value = service[field], !value.isEmpty else { continue }
      throw Self.refusal("\(name) has \(field)")
    }
    for field in ["network_mode", "pid", "ipc", "uts", "userns_mode", "cgroup"] {
      // Of another service of the copy, or of none at all.
      guard let mode = service[field]?.text, !mode.hasPrefix("service:"), !["none", "private"].contains(mode) else {
        continue
      }
      throw Self.refusal("\(name) has \(field): \(mode)")
    }
    // A name of its own, an open port or a label would be taken from what runs, or lead people to the copy.
    for field in ["container_name", "ports", "labels", "restart", "extra_hosts", "mac_address"] { service[field] = nil }
    service["restart"] = .text("no")
    if service["deploy"] != nil {
      service["deploy"] = nil
      notes.append("the copy of \(name) has no graphics processor and no limits")
    }
    if let networks = service["networks"]?.fields {
      // Fixed addresses belong to networks that the copy does not have.
      service["networks"] = .fields(
        networks.mapValues { entry in entry["aliases"].map { .fields(["aliases": $0]) } ?? .null })
    }
    var mounts: [ComposeValue] = []
    for mount in service["volumes"]?.list ?? [] { mounts.append(try changed(mount: mount, name, work)) }
    if !mounts.isEmpty { service["volumes"] = .list(mounts) }
    return service
  }

  private mutating func changed(
    mount: ComposeValue, _ name: String, _ work: String
  ) throws(NodeWorkError) -> ComposeValue {
    if mount["type"]?.text == "tmpfs" { return mount }
    guard mount["type"]?.text == "bind", let source = mount["source"]?.text else {
      throw Self.refusal("\(name) has a mount that is neither a folder of the stack nor memory")
    }
    if Self.readable.contains(source), mount["read_only"] == .flag(true) { return mount }
    guard let volume = stack.volumes.first(where: { $0.path == source }) else {
      throw Self.refusal("\(name) uses \(source) of the machine")
    }
    var mount = mount
    if !volume.isBackedUp && !emptyFolders.contains(volume) {
      emptyFolders.append(volume)
      notes.append("the copy's \(volume.name) is empty: it is not backed up")
    }
    mount["source"] = .text(work + "/volumes/" + volume.name)
    return mount
  }

  /// Writes the copy's files. Nothing of the stack itself is touched.
  func layDown() throws(NodeWorkError) {
    for volume in emptyFolders {
      let path = DurableFile.folder(of: folder) + "/volumes/" + volume.name
      try DurableFile.makeFolder(path, mode: 0o755)
      guard chown(path, uid_t(volume.owner.user), gid_t(volume.owner.group)) == 0 else {
        throw NodeWorkError(.file, "can not change the owner of \(path): \(String(cString: strerror(errno)))")
      }
    }
    for (name, text) in stack.configurations {
      try DurableFile.write(Array(text.utf8), to: folder + "/" + name, mode: 0o644)
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(file) else {
      throw NodeWorkError(.file, "the copy's Compose file can not be written as JSON")
    }
    try DurableFile.write(Array(data), to: folder + "/compose.yaml")
  }
}
