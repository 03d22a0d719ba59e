import StackSet

/// Each secret has a row that says how it is delivered and made, and each row is used.
struct SecretDeclarationRule: TemplateRule {
  func check(_ template: StackTemplate, log: RefusalLog) {
    let rows = Dictionary(template.description.secrets.map { ($0.name, $0) }) { first, _ in first }
    let top = Set(template.compose.secrets.map(\.key))
    var used: Set<String> = []
    for service in template.compose.services {
      for secret in service.secrets {
        used.insert(secret.text)
        if !top.contains(secret.text) {
          log.refuse(
            .secretUndeclared, secret.line,
            "services.\(service.name).secrets: '\(secret.text)' is not in secrets; add { file: ./secrets/\(secret.text) }"
          )
        }
      }
    }
    for secret in template.compose.secrets {
      checkTop(secret, rows[secret.key], isUsed: used.contains(secret.key), log)
    }
    let demanded = environmentUses(template, rows, log)
    for row in template.description.secrets {
      switch row.delivery {
      case .file where !top.contains(row.name):
        log.refuse(
          .secretUnused, row.line,
          "x-bootstead.secrets.\(row.name) is in no secrets of the file; add it there or leave it out")
      case .environment where !demanded.contains(row.name):
        log.refuse(
          .secretUnused, row.line,
          "x-bootstead.secrets.\(row.name): nothing uses ${\(row.name):?…}; use it or leave it out")
      case .file, .environment: break
      }
    }
  }

  private func checkTop(
    _ entry: ComposeNode.Entry, _ row: StackDescription.Secret?, isUsed: Bool, _ log: RefusalLog
  ) {
    if row?.delivery != .file {
      log.refuse(
        .secretUndeclared, entry.line, "secrets.\(entry.key) has no row in x-bootstead.secrets with as: file; add it")
    }
    if entry.value["file"]?.scalarText != "./secrets/\(entry.key)" || entry.value.mapping?.count != 1 {
      log.refuse(
        .secretUndeclared, entry.line, "secrets.\(entry.key) is not { file: ./secrets/\(entry.key) }; write it so")
    }
    if !isUsed {
      log.refuse(.secretUnused, entry.line, "secrets.\(entry.key) is used by no service; use it or leave it out")
    }
  }

  /// Secrets that are variables: only as `${NAME:?…}`, and only where other processes do not see them.
  private func environmentUses(
    _ template: StackTemplate, _ rows: [String: StackDescription.Secret], _ log: RefusalLog
  ) -> Set<String> {
    var used: Set<String> = []
    func look(_ node: ComposeNode, _ path: String, isHidden: Bool) {
      node.forEachText { text, line in
        guard let interpolation = try? Interpolation(text) else { return }
        for variable in interpolation.variables {
          guard let row = rows[variable.name], row.delivery == .environment else { continue }
          used.insert(variable.name)
          if variable.demand == nil, variable.standard != "" {
            log.refuse(
              .secretUndeclared, line,
              "\(path): \(variable.name) has a default; write ${\(variable.name):?set it}, or ${\(variable.name):-} where it may be missing"
            )
          }
          if !isHidden {
            log.refuse(
              .secretLiteral, line, "\(path): ${\(variable.name)} would be seen by all; use it in environment only")
          }
        }
      }
    }
    for service in template.compose.services {
      for field in service.node.mapping ?? [] {
        look(field.value, "services.\(service.name).\(field.key)", isHidden: field.key == "environment")
      }
    }
    for config in template.compose.configs { look(config.value, "configs.\(config.key)", isHidden: true) }
    return used
  }
}

/// How a template uses a secret that is a variable.
enum SecretUse {
  /// Whether it may be missing: it is used only as `${NAME:-}`.
  static func isOptional(_ name: String, in template: StackTemplate) -> Bool {
    var uses: [Interpolation.Variable] = []
    for entry in template.root.mapping ?? [] where entry.key != "x-bootstead" {
      entry.value.forEachText { text, _ in
        if let interpolation = try? Interpolation(text) {
          uses += interpolation.variables.filter { $0.name == name }
        }
      }
    }
    return !uses.isEmpty && uses.allSatisfy { $0.demand == nil && $0.standard == "" }
  }
}
