/// Reads the fields of one service, each in the short and the long form that Compose has for it.
struct ComposeListReader {
  let path: String
  let node: ComposeNode
  let log: RefusalLog

  private func refuse(_ line: Int, _ text: String) { log.refuse(.composeField, line, "\(path)\(text)") }

  func text(_ key: String) -> LinedText? {
    guard let value = node[key], value.content != .null else { return nil }
    guard let text = value.scalarText else {
      refuse(value.line, ".\(key) is \(value.kind); it takes a text")
      return nil
    }
    return LinedText(text, value.line)
  }

  func requireBoolean(_ key: String) {
    guard let value = node[key], value.boolean == nil else { return }
    refuse(value.line, ".\(key) is \(value.kind); it takes true or false")
  }

  func requireMapping(_ key: String) {
    guard let value = node[key], value.mapping == nil else { return }
    refuse(value.line, ".\(key) is \(value.kind); it takes a mapping")
  }

  func elements(_ key: String) -> [ComposeNode] {
    guard let value = node[key], value.content != .null else { return [] }
    guard let elements = value.sequence else {
      refuse(value.line, ".\(key) is \(value.kind); it takes a list")
      return []
    }
    return elements
  }

  func texts(_ key: String) -> [LinedText] {
    elements(key).compactMap { element in
      guard let text = element.scalarText else {
        refuse(element.line, ".\(key) has \(element.kind) in its list; it takes texts")
        return nil
      }
      return LinedText(text, element.line)
    }
  }

  /// A list of names, or a mapping by name.
  func names(_ key: String) -> [LinedText] {
    if let entries = node[key]?.mapping { return entries.map { LinedText($0.key, $0.line) } }
    return texts(key)
  }

  /// Secrets and configurations: names, or mappings with `source`.
  func references(_ key: String) -> [LinedText] {
    elements(key).compactMap { element in
      if let text = element.scalarText { return LinedText(text, element.line) }
      guard let source = element["source"]?.scalarText else {
        refuse(element.line, ".\(key) has an element without source; name what it refers to")
        return nil
      }
      return LinedText(source, element.line)
    }
  }

  /// `NAME: value`, or a list of `NAME=value`.
  func variables(_ key: String) -> [ComposeService.Variable] {
    guard let value = node[key], value.content != .null else { return [] }
    if let entries = value.mapping {
      return entries.compactMap { entry in
        guard entry.value.mapping == nil, entry.value.sequence == nil else {
          refuse(entry.line, ".\(key).\(entry.key) is \(entry.value.kind); it takes a text")
          return nil
        }
        return ComposeService.Variable(name: entry.key, value: entry.value.scalarText, line: entry.line)
      }
    }
    return texts(key).map { text in
      guard let equals = text.text.firstIndex(of: "=") else {
        return ComposeService.Variable(name: text.text, value: nil, line: text.line)
      }
      return ComposeService.Variable(
        name: String(text.text[..<equals]), value: String(text.text[text.text.index(after: equals)...]),
        line: text.line)
    }
  }

  func dependencies() -> [ComposeService.Dependency] {
    guard let value = node["depends_on"], value.content != .null else { return [] }
    if let entries = value.mapping {
      return entries.map { entry in
        let condition = entry.value["condition"]?.scalarText ?? "service_started"
        if !["service_started", "service_healthy", "service_completed_successfully"].contains(condition) {
          refuse(
            entry.line,
            ".depends_on.\(entry.key).condition is '\(condition)'; it takes service_healthy, service_started or service_completed_successfully"
          )
        }
        return ComposeService.Dependency(service: entry.key, condition: condition, line: entry.line)
      }
    }
    return texts("depends_on").map {
      ComposeService.Dependency(service: $0.text, condition: "service_started", line: $0.line)
    }
  }

  func mount(_ element: ComposeNode) -> ComposeService.Mount? {
    element.mapping == nil ? shortMount(element) : longMount(element)
  }

  private func shortMount(_ element: ComposeNode) -> ComposeService.Mount? {
    guard let text = element.scalarText else {
      refuse(element.line, ".volumes has \(element.kind) in its list; it takes VOLUME:/PATH")
      return nil
    }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    if parts.count == 1 {
      return ComposeService.Mount(
        kind: .anonymous, source: "", target: text, isReadOnly: false, line: element.line)
    }
    guard parts.count <= 3, parts[1].hasPrefix("/"), !parts[0].isEmpty else {
      refuse(element.line, ".volumes: '\(text)' is no VOLUME:/PATH or VOLUME:/PATH:ro; correct it")
      return nil
    }
    let options = parts.count == 3 ? parts[2].split(separator: ",").map(String.init) : []
    if let unknown = options.first(where: { !["ro", "rw", "z", "Z", "rslave", "rshared", "nocopy"].contains($0) }) {
      refuse(element.line, ".volumes: the option '\(unknown)' of '\(text)' is unknown; known are ro and rw")
    }
    let isPath =
      parts[0].hasPrefix("/") || parts[0].hasPrefix(".") || parts[0].hasPrefix("~") || parts[0].hasPrefix("$")
    return ComposeService.Mount(
      kind: isPath ? .bind : .volume, source: parts[0], target: parts[1], isReadOnly: options.contains("ro"),
      line: element.line)
  }

  private func longMount(_ element: ComposeNode) -> ComposeService.Mount? {
    let kinds: [String: ComposeService.Mount.Kind] = ["volume": .volume, "bind": .bind, "tmpfs": .temporary]
    guard let type = element["type"]?.string, let kind = kinds[type], let target = element["target"]?.string,
      target.hasPrefix("/")
    else {
      refuse(element.line, ".volumes has an element without type (volume, bind, tmpfs) or absolute target; add them")
      return nil
    }
    let source = element["source"]?.string ?? ""
    return ComposeService.Mount(
      kind: kind == .volume && source.isEmpty ? .anonymous : kind, source: source, target: target,
      isReadOnly: element["read_only"]?.boolean ?? false, line: element.line, long: element)
  }

  /// `tmpfs`, which holds nothing that stays.
  func temporary() -> [ComposeService.Mount] {
    let texts = node["tmpfs"]?.scalarText.map { [LinedText($0, node["tmpfs"]?.line ?? node.line)] } ?? texts("tmpfs")
    return texts.map {
      ComposeService.Mount(kind: .temporary, source: "", target: $0.text, isReadOnly: false, line: $0.line)
    }
  }

  func port(_ element: ComposeNode) -> ComposeService.Port? {
    if element.mapping != nil {
      guard let target = element["target"]?.scalarText else {
        refuse(element.line, ".ports has an element without target; name the container's port")
        return nil
      }
      return ComposeService.Port(
        published: element["published"]?.scalarText, target: target,
        transport: element["protocol"]?.scalarText ?? "tcp", line: element.line)
    }
    guard let text = element.scalarText else {
      refuse(element.line, ".ports has \(element.kind) in its list; it takes \"PORT:PORT\"")
      return nil
    }
    let halves = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    let parts = splitOutsideBraces(halves[0])
    guard let target = parts.last, parts.count <= 3 else {
      refuse(element.line, ".ports: '\(text)' is no \"PORT:PORT\"; correct it")
      return nil
    }
    return ComposeService.Port(
      published: parts.count > 1 ? parts[parts.count - 2] : nil, target: target,
      transport: halves.count > 1 ? String(halves[1]) : "tcp", line: element.line)
  }

  /// At colons that are not part of `${NAME:-…}`, nor of an IPv6 address in brackets.
  private func splitOutsideBraces(_ text: Substring) -> [String] {
    var parts = [""]
    var depth = 0
    for character in text {
      switch character {
      case "{", "[": depth += 1
      case "}", "]": depth -= 1
      default: break
      }
      if character == ":", depth == 0 { parts.append("") } else { parts[parts.count - 1].append(character) }
    }
    return parts
  }
}
