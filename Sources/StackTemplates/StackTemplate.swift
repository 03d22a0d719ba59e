/// A stack's folder, read: its Compose file, what it says to Bootstead, and the files beside it.
public struct StackTemplate: Sendable {
  /// The folder's name, which is the template's.
  public let name: String
  /// How the Compose file is called in refusals.
  public let file: String
  public let root: ComposeNode
  public let compose: ComposeFile
  public let description: StackDescription
  /// Texts beside the Compose file, by name.
  public let files: [String: String]
  /// What was wrong when it was read, beside what rules say.
  let reading: [StackRefusal]

  /// - Parameters:
  ///   - name: the folder's name.
  ///   - file: how refusals call the Compose file.
  ///   - compose: its bytes, at most 1 MiB.
  ///   - files: further files of the folder.
  /// - Throws: where there is nothing that rules could look at.
  public init(name: String, file: String, compose bytes: [UInt8], files: [String: String] = [:]) throws(StackRefusals) {
    root = try ComposeText.read(bytes, file: file)
    let log = RefusalLog(file: file)
    compose = ComposeFile(root, log: log)
    let reader = StackDescriptionReader(log: log)
    guard let node = root["x-bootstead"] else {
      log.refuse(.schema, 1, "x-bootstead is missing; a stack says there what Bootstead has to know")
      throw StackRefusals(log.refusals)
    }
    guard let description = reader.read(node) else { throw StackRefusals(log.refusals) }
    self.description = description
    (self.name, self.file, self.files) = (name, file, files)
    reading = log.refusals
  }

  /// All that is wrong with the template by itself.
  /// - Parameter known: names of all templates, for what it depends on; nil: unknown.
  public func refusals(known: Set<String>? = nil) -> [StackRefusal] {
    let log = RefusalLog(file: file)
    for rule in TemplateRules.all { rule.check(self, log: log) }
    if let known { DependencyRule.check(self, known: known, log: log) }
    return StackRefusals(reading + log.refusals).all
  }
}
