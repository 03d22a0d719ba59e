/// A stack's data lies in volumes, so that it is placed, owned and backed up. Of the machine's own paths only some are
/// mounted.
struct BindMountRule: TemplateRule {
  /// Mounted for reading.
  static let readOnly: Set = [
    "/etc/localtime", "/etc/timezone", "/run/dbus", "/run/udev", "/proc", "/sys", "/", "/var/lib/docker",
    "/var/lib/docker/containers", "/etc/os-release", "/etc/machine-id",
  ]
  static let sockets: Set = ["/var/run/docker.sock", "/run/docker.sock"]

  func check(_ template: StackTemplate, log: RefusalLog) {
    for service in template.compose.services {
      for mount in service.mounts where mount.kind == .bind {
        let path = "services.\(service.name).volumes: \(mount.source)"
        if Self.sockets.contains(mount.source) || mount.source.hasPrefix("/dev/") { continue }
        if Self.readOnly.contains(mount.source) {
          if !mount.isReadOnly { log.refuse(.bindMount, mount.line, "\(path) is mounted for writing; add :ro") }
        } else if mount.source.hasPrefix("/") {
          log.refuse(
            .bindMount, mount.line,
            "\(path) is a path of the machine; use a named volume with a row in x-bootstead.volumes")
        } else {
          log.refuse(
            .bindMount, mount.line,
            "\(path) is a file beside the template; use a named volume for data, and configs for configuration")
        }
      }
    }
  }
}
