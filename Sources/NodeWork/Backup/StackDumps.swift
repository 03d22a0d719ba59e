import StackSet

/// Runs a stack's dump hooks.
struct StackDumps: Sendable {
  let stack: CompiledStack
  let project: ComposeProject

  /// Each hook's output as a file of its name, for root alone.
  /// - Returns: the files.
  /// - Throws: where a hook's service does not run, a hook fails, or a dump is empty.
  func write(to folder: String) async throws(NodeWorkError) -> [String] {
    let running = try await project.running()
    var files: [String] = []
    try DurableFile.makeFolder(folder)
    for hook in stack.backup.dump {
      guard running.contains(hook.service) else {
        throw NodeWorkError(
          .dump, "\(stack.name)/\(hook.service) does not run, so that it can not dump \(hook.output)",
          advice: "start it with 'bootstead-agent stacks start \(stack.name)'; older dumps stay")
      }
      let file = folder + "/" + hook.output
      _ = try await project.execute(hook.service, hook.command, output: file)
      guard let bytes = FileSize.bytes(of: file), bytes > 0 else {
        throw NodeWorkError(
          .dump, "the dump \(hook.output) of \(stack.name)/\(hook.service) is empty",
          advice: "see what '\(hook.command.joined(separator: " "))' prints in the container; older dumps stay")
      }
      files.append(file)
    }
    return files
  }
}
