import ProgramRunner
import StackSet

/// One stack's calls of the container engine.
public struct ComposeProject: Sendable {
  public let name: String
  /// The folder with `compose.yaml`; nil where the project is known by its name alone.
  public let directory: String?
  public let engine: ContainerEngine
  /// Secrets for `${NAME}` in the Compose file: in the environment of the engine's program, and in no file.
  private let secrets: [String: String]
  let runner: any CommandRunner

  /// - Throws: where a secret of the stack was not laid down.
  public init(
    stack: CompiledStack, set: StackSet, folders: NodeFolders, runner: any CommandRunner
  ) throws(NodeWorkError) {
    name = stack.name
    directory = set.directory + "/" + stack.name
    engine = set.engine
    self.runner = runner
    var values: [String: String] = [:]
    for secret in stack.secrets {
      let file = folders.secrets + "/" + secret.secretName
      guard let bytes = try DurableFile.bytes(of: file) else {
        throw NodeWorkError(
          .configuration, "the secret \(secret.name) of \(stack.name) is not in \(file)",
          advice: "run 'bootstead-agent secrets apply', or give the secret to the appliance")
      }
      guard secret.delivery == .environment else { continue }
      let text = String(decoding: bytes, as: UTF8.self)
      values[secret.name] = text.hasSuffix("\n") ? String(text.dropLast()) : text
    }
    secrets = values
  }

  /// What the engine knows of it by its labels alone, for all but bringing it up: that needs neither its files nor its
  /// secrets, which a stack that is not declared any more does not have.
  init(named name: String, engine: ContainerEngine, runner: any CommandRunner) {
    self.name = name
    directory = nil
    self.engine = engine
    secrets = [:]
    self.runner = runner
  }

  /// A copy of it by another name, from a Compose file elsewhere, with the same secrets.
  init(copyOf project: ComposeProject, name: String, directory: String) {
    self.name = name
    self.directory = directory
    engine = project.engine
    secrets = project.secrets
    runner = project.runner
  }

  public func command(_ arguments: [String], timeout: Duration = .seconds(900)) -> Command {
    let files = directory.map { ["--project-directory", $0, "--file", $0 + "/compose.yaml"] } ?? []
    var command = Command(
      engine.rawValue, ["compose", "--project-name", name] + files + arguments, timeout: timeout)
    command.environment = secrets
    // Compose looks for no file in a folder where there is none.
    if directory == nil { command.workingDirectory = "/" }
    return command
  }

  /// Services with a running container, sorted.
  func running() async throws(NodeWorkError) -> [String] { try await services("running") }

  /// Services with a container, running or not.
  func made() async throws(NodeWorkError) -> [String] {
    let output = try await runner.work(command(["ps", "--all", "--services"]), .services)
    return Set(output.standardOutput.split(whereSeparator: \.isNewline).map(String.init)).sorted()
  }

  func paused() async throws(NodeWorkError) -> [String] { try await services("paused") }

  private func services(_ status: String) async throws(NodeWorkError) -> [String] {
    let output = try await runner.work(command(["ps", "--services", "--status", status]), .services)
    return Set(output.standardOutput.split(whereSeparator: \.isNewline).map(String.init)).sorted()
  }

  func stop(_ services: [String]) async throws(NodeWorkError) {
    try await runner.work(command(["stop"] + services), .services)
  }

  /// Freezes services. An engine may fail to while it starts a health check in one of them ("unable to freeze", moby
  /// issue 48205, runc 1.1), and succeed a moment later.
  func pause(_ services: [String]) async throws(NodeWorkError) {
    var left = services
    for attempt in 1... {
      do {
        try await runner.work(command(["pause"] + left), .services)
        return
      } catch {
        guard attempt < Self.pauseAttempts, !Task.isCancelled else { throw error }
      }
      // Of several, some stand still by now, and can not be paused again.
      let paused = try await paused()
      left.removeAll(where: paused.contains)
      if left.isEmpty { return }
      try? await Task.sleep(for: .seconds(1))
    }
  }

  private static let pauseAttempts = 5

  /// Lets services run again, whether they were stopped, paused, or ended by a power cut.
  func resume(_ services: [String]) async throws(NodeWorkError) {
    let paused = try await paused().filter(services.contains)
    if !paused.isEmpty { try await runner.work(command(["unpause"] + paused), .services) }
    let running = try await running()
    let missing = services.filter { !running.contains($0) }
    if !missing.isEmpty { try await runner.work(command(["start"] + missing), .services) }
    let still = try await self.running()
    let down = services.filter { !still.contains($0) }
    guard down.isEmpty else {
      throw NodeWorkError(
        .services, "\(down.joined(separator: ", ")) of the stack \(name) did not start again",
        advice: "see 'bootstead-agent stacks logs \(name)'")
    }
  }

  /// Brings all services up and waits until they are healthy.
  /// - Parameter recreates: makes containers anew whose definition is the same. Compose does not look into the files that
  ///   `configs` name, and a running container goes on with the file that was there when it started.
  func up(_ services: [String] = [], recreates: Bool = false, timeoutSeconds: Int = 600) async throws(NodeWorkError) {
    try await runner.work(
      command(
        ["up", "--detach", "--wait", "--wait-timeout", "\(timeoutSeconds)", "--remove-orphans"]
          + (recreates ? ["--force-recreate"] : []) + services,
        timeout: .seconds(timeoutSeconds + 1200)), .services)
  }

  /// A command in a service's container.
  func execute(
    _ service: String, _ arguments: [String], input: String? = nil, output: String? = nil,
    timeout: Duration = .seconds(6 * 3600)
  ) async throws(NodeWorkError) -> CommandOutput {
    var command = command(["exec", "-T", service] + arguments, timeout: timeout)
    command.inputFile = input
    command.outputFile = output
    return try await runner.work(command, .services)
  }

  /// Runs the hooks that show whether the stack works.
  func verify(_ hooks: [StackBackup.Verification]) async throws(NodeWorkError) {
    for hook in hooks {
      let said: CommandOutput
      do {
        said = try await execute(hook.service, hook.command, timeout: .seconds(300))
      } catch {
        throw NodeWorkError(.verification, "the check in \(name)/\(hook.service) failed: \(error)")
      }
      if let expected = hook.expect, !said.standardOutput.contains(expected) {
        throw NodeWorkError(
          .verification,
          "the check in \(name)/\(hook.service) printed “\(said.standardOutput.prefix(200))”, without “\(expected)”")
      }
    }
  }
}
