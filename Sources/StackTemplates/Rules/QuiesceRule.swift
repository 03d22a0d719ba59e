import StackSet

/// What keeps state says how it is copied, and how one sees that the copy is good.
struct QuiesceRule: TemplateRule {
  func check(_ template: StackTemplate, log: RefusalLog) {
    let description = template.description
    let state = description.volumes.filter { $0.isBackedUp }
    guard let backup = description.backup else {
      if let first = state.first {
        log.refuse(
          .quiesce, first.line,
          "x-bootstead.backup is missing, and the volume \(first.name) is backed up; say how it is held still: dump, stop or pause"
        )
      }
      return
    }
    if backup.quiesce == .none, let first = state.first {
      log.refuse(
        .quiesce, backup.line,
        "x-bootstead.backup.quiesce is none, and the volume \(first.name) is backed up; write dump, stop or pause")
    }
    if !state.isEmpty, backup.verify.isEmpty {
      log.refuse(
        .quiesce, backup.line, "x-bootstead.backup.verify is empty; say by which command a restore is seen to be good")
    }
    if backup.quiesce == .dump, backup.dump.isEmpty {
      log.refuse(.quiesce, backup.line, "x-bootstead.backup.quiesce is dump without a dump; add the command")
    }
    dumps(backup, log)
    let names = Set(template.compose.services.map(\.name))
    for hook in backup.dump + backup.restore + backup.verify where !names.contains(hook.service) {
      log.refuse(.quiesce, hook.line, "x-bootstead.backup: there is no service '\(hook.service)'; correct the name")
    }
    let volumes = Set(description.volumes.map(\.name))
    for pattern in backup.exclude {
      let volume = String(pattern.text.prefix { $0 != "/" })
      if !volumes.contains(volume) {
        log.refuse(
          .quiesce, pattern.line,
          "x-bootstead.backup.exclude: '\(pattern.text)' begins with no volume of the stack; write VOLUME/PATTERN")
      }
    }
  }

  private func dumps(_ backup: StackDescription.Backup, _ log: RefusalLog) {
    var outputs: Set<String> = []
    for hook in backup.dump {
      let name = hook.text ?? ""
      if name.contains("/") || name == "." || name == ".." || !RelativePath.isValid(name) {
        log.refuse(
          .quiesce, hook.line, "x-bootstead.backup.dump: '\(name)' is no file's name; write such as database.dump")
      } else if !outputs.insert(name).inserted {
        log.refuse(.quiesce, hook.line, "x-bootstead.backup.dump: two dumps are called '\(name)'; name one otherwise")
      }
    }
    let inputs = Set(backup.restore.compactMap(\.text))
    // With other ways to hold still, the files themselves come back, and a dump is a further copy.
    for hook in backup.dump where backup.quiesce == .dump && !inputs.contains(hook.text ?? "") {
      log.refuse(
        .quiesce, hook.line, "nothing restores the dump '\(hook.text ?? "")'; add a row to x-bootstead.backup.restore")
    }
    for hook in backup.restore where !outputs.contains(hook.text ?? "") {
      log.refuse(
        .quiesce, hook.line,
        "x-bootstead.backup.restore reads '\(hook.text ?? "")', which no dump makes; correct the name")
    }
  }
}
