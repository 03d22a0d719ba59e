/// The name in the file is the folder's, so that a stack is found by either.
struct NameMatchesFolderRule: TemplateRule {
  func check(_ template: StackTemplate, log: RefusalLog) {
    if !StackName.isValid(template.name) {
      log.refuse(
        .nameMatchesFolder, 1,
        "the folder's name '\(template.name)' is none; use a-z, 0-9 and inner hyphens, at most 63")
    }
    guard let name = template.compose.name else {
      log.refuse(.nameMatchesFolder, 1, "name is missing; write name: \(template.name)")
      return
    }
    if name.text != template.name {
      log.refuse(
        .nameMatchesFolder, name.line, "name is '\(name.text)' in the folder '\(template.name)'; make them the same")
    }
  }
}
