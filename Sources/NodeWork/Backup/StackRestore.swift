import FoundationEssentials
import ProgramRunner
import StackSet

extension BackupEngine {
  /// Brings a stack's data back from an archive, starts it, and runs its verify hooks.
  ///
  /// Nothing is erased: each volume comes back beside the one that is there, and takes its place by a rename; what was
  /// there stays as `VOLUME.before-RUN`. A restore that was killed is done again from its start.
  /// - Parameter archive: `latest`, or a name.
  /// - Returns: the result, and where the data from before lies.
  public func restore(
    _ name: String, archive: String = "latest", plan: BackupPlan, configuration: BackupConfiguration
  ) async throws(NodeWorkError) -> (result: RestoreResult, kept: [String]) {
    let stack = try set.stack(name)
    let repository = try repository(of: name, plan: plan, configuration: configuration)
    let held = try lock(folders.lock(name), name)
    defer { held.release() }
    try await recover(name, configuration)
    let found = try await repository.archive(archive)
    var result = RestoreResult(
      stack: name, archive: found.name, ended: .now, isTest: false, hasSucceeded: false, isVerified: false)
    var kept: [String] = []
    do {
      try await restore(stack, found.name, repository, &result, &kept)
      result.hasSucceeded = true
    } catch {
      result.problem = "\(error)"
    }
    result.ended = .now
    var history = try BackupHistory.read(name, folders)
    history.add(result)
    try history.write(name, folders)
    return (result, kept)
  }

  private func restore(
    _ stack: CompiledStack, _ archive: String, _ repository: any BackupRepository, _ result: inout RestoreResult,
    _ kept: inout [String]
  ) async throws(NodeWorkError) {
    let work = folders.backup(stack.name) + "/restore"
    try await emptied(work)
    say("\(stack.name): restoring \(archive)")
    let described = try await description(in: archive, repository, work: work)
    let inArchive = Set(described.volumes.filter(\.isBackedUp).map(\.name))
    let volumes = stack.volumes.filter { $0.isBackedUp && inArchive.contains($0.name) }
    for volume in stack.volumes where volume.isBackedUp && !inArchive.contains(volume.name) {
      result.notes.append("\(archive) holds no volume \(volume.name); it stays as it is")
    }
    let made = try BackupHistory.read(stack.name, folders).results.last { $0.archive == archive }
    let sizes = try DurableFile.value(DiskSizes.self, at: "\(work)/stack/\(DiskSizes.file)")
    for line in try await makeRoom(for: archive, volumes, of: stack, sizes: sizes, bytes: made?.originalBytes) {
      say("\(stack.name): \(line)")
      result.notes.append(line)
    }
    // All of it is fetched, and found whole, before anything that runs is touched.
    for volume in volumes {
      let beside = Self.beside(volume, stack)
      try await emptied(beside)
      try await repository.extract(archive, paths: ["volumes/" + volume.name], to: beside)
    }
    try await repository.extract(archive, paths: ["dump"], to: work)

    let project = try project(stack)
    let running = try await project.running()
    if !running.isEmpty { try await project.stop(running) }
    let stamp = Self.runIdentifier()
    for volume in volumes {
      let beside = Self.beside(volume, stack)
      if DurableFile.exists(volume.path) {
        let before = "\(volume.path).before-\(stamp)"
        try DurableFile.move(volume.path, to: before)
        kept.append(before)
      }
      try DurableFile.move("\(beside)/volumes/\(volume.name)", to: volume.path)
      try await emptied(beside, isKept: false)
    }
    try await revive(stack, project, dumps: work + "/dump", &result)
    try await emptied(work, isKept: false)
  }

  /// Loads dumps, starts everything and asks whether it works.
  func revive(
    _ stack: CompiledStack, _ project: ComposeProject, dumps: String, _ result: inout RestoreResult
  ) async throws(NodeWorkError) {
    for hook in stack.backup.restore {
      let file = dumps + "/" + hook.input
      guard DurableFile.exists(file) else {
        // Else the stack stood still for the archive: its files are what comes back.
        if stack.backup.quiesce == .dump {
          result.notes.append("the archive holds no \(hook.input): \(hook.service) has its files alone")
        }
        continue
      }
      try await project.up([hook.service])
      _ = try await project.execute(hook.service, hook.command, input: file)
    }
    try await project.up()
    try await project.verify(stack.backup.verify)
    result.isVerified = !stack.backup.verify.isEmpty
  }

  /// What the stack was when the archive was made.
  func description(
    in archive: String, _ repository: any BackupRepository, work: String
  ) async throws(NodeWorkError) -> CompiledStack {
    try await repository.extract(archive, paths: ["stack"], to: work)
    guard let described = try DurableFile.value(CompiledStack.self, at: work + "/stack/stack.json") else {
      throw NodeWorkError(
        .damaged, "\(archive) holds no stack/stack.json: it was not made by Bootstead",
        advice: "take it out with 'bootstead-agent backup extract'")
    }
    return described
  }

  /// On the volume's own file system, so that a rename suffices.
  private static func beside(_ volume: StackVolume, _ stack: CompiledStack) -> String {
    "\(DurableFile.folder(of: volume.path))/.bootstead-restore-\(stack.name)-\(volume.name)"
  }

  func emptied(_ folder: String, isKept: Bool = true) async throws(NodeWorkError) {
    if DurableFile.exists(folder) {
      try await runner.work(Command("rm", ["-r", "-f", "--one-file-system", folder], timeout: .seconds(12 * 3600)))
    }
    if isKept { try DurableFile.makeFolder(folder) }
  }

  /// Lays an archive down in a folder that is not there yet, or is empty.
  public func extract(
    _ stack: String, archive: String, to folder: String, paths: [String] = [], plan: BackupPlan,
    configuration: BackupConfiguration
  ) async throws(NodeWorkError) -> String {
    guard DurableFile.children(of: folder).isEmpty else {
      throw NodeWorkError(.file, "\(folder) is not empty", advice: "name a new folder: nothing is overwritten")
    }
    let repository = try repository(of: stack, plan: plan, configuration: configuration)
    let found = try await repository.archive(archive)
    try DurableFile.makeFolder(folder)
    try await repository.extract(found.name, paths: paths, to: folder)
    return found.name
  }
}
