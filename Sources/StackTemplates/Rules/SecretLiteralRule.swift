/// No secret stands in a template: neither by its name nor by what it looks like.
struct SecretLiteralRule: TemplateRule {
  func check(_ template: StackTemplate, log: RefusalLog) {
    for service in template.compose.services {
      let path = "services.\(service.name)"
      for variable in service.environment {
        check(variable.name, variable.value, "\(path).environment", variable.line, log)
      }
      for key in ["labels", "annotations"] {
        let labels = ComposeListReader(path: path, node: service.node, log: RefusalLog(file: "")).variables(key)
        for label in labels { check(label.name, label.value, "\(path).\(key)", label.line, log) }
      }
      for key in ["command", "entrypoint"] {
        if let node = service.node[key] { words(node, "\(path).\(key)", log) }
      }
      if let test = service.node["healthcheck"]?["test"] { words(test, "\(path).healthcheck.test", log) }
    }
    for config in template.compose.configs {
      if let content = config.value["content"], let text = content.string {
        lines(text, "configs.\(config.key)", content.line, log)
      }
      guard let name = config.value["file"]?.scalarText.flatMap(ComposeReferenceRule.fileName),
        let text = template.files[name]
      else { continue }
      lines(text, "configs.\(config.key) (\(name))", config.line, log)
    }
    if let backup = template.description.backup {
      for hook in backup.dump + backup.restore + backup.verify {
        for word in hook.command { argument(word, "x-bootstead.backup", hook.line, log) }
      }
    }
  }

  private func check(_ name: String, _ value: String?, _ path: String, _ line: Int, _ log: RefusalLog) {
    guard let value else { return }
    if SecretShape.isSecret(name: name), SecretShape.isLiteral(value) {
      log.refuse(
        .secretLiteral, line,
        "\(path).\(name) is called like a secret and has its value here; use a file under /run/secrets, or ${\(name):?…}, with a row in x-bootstead.secrets"
      )
    } else if SecretShape.looksLikeKey(value) {
      log.refuse(
        .secretLiteral, line, "\(path).\(name) looks like a key or a token; give it in x-bootstead.secrets")
    }
  }

  private func words(_ node: ComposeNode, _ path: String, _ log: RefusalLog) {
    node.forEachText { text, line in
      for word in text.split(whereSeparator: \.isWhitespace) { argument(String(word), path, line, log) }
    }
  }

  /// `--password=value` and what looks like a key.
  private func argument(_ word: String, _ path: String, _ line: Int, _ log: RefusalLog) {
    if let equals = word.firstIndex(of: "=") {
      let name = String(word[..<equals].drop { $0 == "-" })
      let isName = !name.isEmpty && name.allSatisfy { $0.isLetter || $0.isNumber || "-_.".contains($0) }
      var value = String(word[word.index(after: equals)...].filter { $0 != "\"" && $0 != "'" })
      // A value that the shell in the container fills in.
      if value.hasPrefix("$$") { value = "" }
      if isName {
        check(name, value, path, line, log)
        return
      }
    }
    if SecretShape.looksLikeKey(word) {
      log.refuse(.secretLiteral, line, "\(path) has what looks like a key or a token; give it in x-bootstead.secrets")
    }
  }

  /// A configuration file: `name: value` or `name = value`.
  private func lines(_ text: String, _ path: String, _ line: Int, _ log: RefusalLog) {
    for row in text.split(whereSeparator: \.isNewline) {
      let row = row.drop(while: \.isWhitespace)
      guard let first = row.first, first != "#", first != ";", first != "/" else { continue }
      if let separator = row.firstIndex(where: { $0 == ":" || $0 == "=" }) {
        let name = String(row[..<separator].filter { !$0.isWhitespace && $0 != "\"" && $0 != "'" && $0 != "-" })
        let value = String(
          row[row.index(after: separator)...].filter { !$0.isWhitespace && $0 != "\"" && $0 != "'" && $0 != "," })
        // `token: {` begins a block, `{{ … }}`, `{$…}`, `!…` and `os.environ/…` are references of the program itself.
        let isReference = ["{", "[", "|", ">", "!", "os.environ/", "$", "/", "%"].contains(where: value.hasPrefix)
        let isName = name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "_.".contains($0)) }
        if isName, SecretShape.isSecret(name: name), !isReference, SecretShape.isLiteral(value) {
          log.refuse(
            .secretLiteral, line,
            "\(path): '\(name)' is called like a secret and has its value here; have the program read a file or a variable"
          )
          continue
        }
      }
      if SecretShape.looksLikeKey(String(row)) {
        log.refuse(
          .secretLiteral, line,
          "\(path) has what looks like a key or a token; have the program read a file or a variable")
      }
    }
  }
}
