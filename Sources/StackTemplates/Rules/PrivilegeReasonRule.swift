/// What reaches out of a container has a reason that people can judge.
struct PrivilegeReasonRule: TemplateRule {
  private struct Need {
    var line: Int
    var name: String
    /// Words that a row's `what` has to hold, in lower case: all of one of these lists.
    var words: [[String]]
    /// Whether it needs a row; others may have one.
    var isRequired = true
  }

  func check(_ template: StackTemplate, log: RefusalLog) {
    let rows = template.description.privileges
    var matched: Set<Int> = []
    for service in template.compose.services {
      for need in needs(of: service) {
        let found = rows.indices.filter { index in
          let what = rows[index].what.lowercased()
          return rows[index].service == service.name
            && need.words.contains { words in words.allSatisfy { what.contains($0) } }
        }
        matched.formUnion(found)
        if found.isEmpty, need.isRequired {
          log.refuse(
            .privilegeReason, need.line,
            "services.\(service.name) has \(need.name) without a row in x-bootstead.privileges; add { service: \(service.name), what: \"\(need.name)\", reason: … }, or do without"
          )
        }
      }
    }
    for index in rows.indices {
      if !matched.contains(index) {
        log.refuse(
          .privilegeReason, rows[index].line,
          "x-bootstead.privileges: \(rows[index].service) has no '\(rows[index].what)'; leave the row out or correct it"
        )
      }
      if rows[index].reason.count < 10 {
        log.refuse(
          .privilegeReason, rows[index].line, "x-bootstead.privileges: '\(rows[index].reason)' is no reason; say why")
      }
    }
  }

  private func needs(of service: ComposeService) -> [Need] {
    var needs: [Need] = []
    let node = service.node
    if service.isPrivileged, let value = node["privileged"] {
      needs.append(Need(line: value.line, name: "privileged", words: [["privileged"]]))
    }
    for capability in service.capabilities {
      let name = capability.text.lowercased()
      let short = name.hasPrefix("cap_") ? String(name.dropFirst(4)) : name
      needs.append(Need(line: capability.line, name: "cap_add \(capability.text)", words: [[short]]))
    }
    for device in service.devices {
      let path = String(device.text.prefix { $0 != ":" })
      needs.append(
        Need(line: device.line, name: "device \(path)", words: [[path.lowercased()], ["devices"]]))
    }
    for mount in service.mounts where mount.kind == .bind {
      if BindMountRule.sockets.contains(mount.source) {
        needs.append(Need(line: mount.line, name: "docker.sock", words: [["docker.sock"]]))
      } else if mount.source.hasPrefix("/dev/") {
        needs.append(
          Need(line: mount.line, name: "device \(mount.source)", words: [[mount.source.lowercased()], ["devices"]]))
      } else if ["/", "/proc", "/sys"].contains(mount.source) || mount.source.hasPrefix("/var/lib/docker") {
        needs.append(Need(line: mount.line, name: "host path \(mount.source)", words: [[mount.source.lowercased()]]))
      } else {
        needs.append(
          Need(
            line: mount.line, name: "bind \(mount.source)", words: [[mount.source.lowercased()]], isRequired: false))
      }
    }
    for (key, word) in [
      ("network_mode", "network"), ("pid", "pid"), ("ipc", "ipc"), ("userns_mode", "user"), ("cgroup", "cgroup"),
    ] {
      if let value = node[key], value.scalarText == "host" {
        needs.append(Need(line: value.line, name: "host \(word)", words: [["host", word], [key]]))
      }
    }
    for option in node["security_opt"]?.sequence ?? [] where option.scalarText?.contains("unconfined") == true {
      needs.append(
        Need(
          line: option.line, name: "security_opt \(option.scalarText ?? "")", words: [["security_opt"], ["unconfined"]])
      )
    }
    return needs
  }
}
