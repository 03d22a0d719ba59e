import AgentProtocol
import ArgumentParser
import Fleet
import Foundation

struct StackMoveCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "move", abstract: "Move a stack to another machine, with its data, settings and secrets.",
    discussion: """
      Prints what it will do, and asks. The stack stops, its data is copied to a Borg repository that both machines \
      declare, and the files in DIR give it to the other machine. Then both need their new systems; once the other runs \
      its own, the appliance has it restore the data and verify it. Data at the old place stays. Run again it goes on.
      """)

  @OptionGroup var appliance: ApplianceOptions
  @OptionGroup var declared: DeclaredFolderOptions
  @OptionGroup var consent: OperatorConsent
  @Argument(help: "The stack.") var stack: String
  @Option(help: "The machine that has it.") var from: String
  @Option(help: "The machine that gets it.") var to: String
  @Flag(help: "Print what would be done, and change nothing.") var dryRun = false
  @Flag(help: "Take the move back: the stack is started where it was.") var abort = false
  @Option(help: "Seconds for which the node may be silent before the wait ends.") var timeout = 180

  /// With `--json`.
  private struct Output: Encodable {
    var plan: StackMovePlan?
    var declaration: DeclarationPlan?
    var move: StackMove?
  }

  func validate() throws {
    guard timeout > 0 else { throw ValidationError("--timeout takes seconds, 1 or more") }
    do { _ = try StackName(stack) } catch { throw ValidationError(error.description) }
    if abort, dryRun { throw ValidationError("--dry-run tells of a move, not of its end") }
  }

  func run() async throws {
    try await reportingFailures {
      let client = appliance.client
      let moves: [StackMove] = try await client.get("/v1/moves")
      let (source, target) = (try await name(of: from), try await name(of: to))
      let open = moves.first { $0.isOpen && $0.stack == stack && $0.source == source && $0.target == target }
      if abort {
        guard let open else { throw CommandFailure.failed("'\(stack)' is not on its way from \(source) to \(target)") }
        return try await abort(open)
      }
      guard let open else { return try await begin(source, target) }
      try await goOn(open)
    }
  }

  /// The machine's own name, also where a MAC address was given.
  private func name(of machine: String) async throws -> String {
    try await appliance.client.get("/v1/machines/\(pathComponent(machine))", as: MachineDetail.self).machine.name.text
  }

  private func edited(from source: String, to target: String) throws -> EditedDeclaration {
    var move = StackMoveDeclaration(try EditedDeclaration.open(declared.folder))
    try move.move(stack, from: source, to: target)
    return EditedDeclaration(folder: declared.folder, editor: move.editor)
  }

  private func begin(_ source: String, _ target: String) async throws {
    let client = appliance.client
    let edited = try edited(from: source, to: target)
    var request = StackMoveRequest(stack: stack, source: source, target: target, files: edited.editor.files)
    let declaration = try await edited.plan(appliance)
    let plan: StackMovePlan = try await client.send("POST", "/v1/moves/plan", request)
    if dryRun || !appliance.json {
      try show(Output(plan: plan, declaration: declaration), json: appliance.json) {
        plan.text + "\n\nthe declaration in \(declared.folder), once the data is copied:\n" + declaration.text
      }
    }
    if dryRun { return }
    try consent.ask("Move \(stack) from \(source) to \(target) like this?")
    request.digest = plan.digest
    let move = try await follow(client.send("POST", "/v1/moves", request))
    try await declare(move, edited, declaration, plan)
  }

  /// A move that was begun before.
  private func goOn(_ move: StackMove) async throws {
    if dryRun { return try tell(move) }
    if move.isHeld { return try tell(await appliance.client.post("/v1/moves/\(move.identifier)/continue")) }
    guard move.state.isBeforeDeclaration else { return try tell(move) }
    let edited = try edited(from: move.source, to: move.target)
    let declaration = try await edited.plan(appliance)
    if !appliance.json { print(terminalText("\(move.standing)\n\nthe declaration, then:\n\(declaration.text)")) }
    try consent.ask("Go on with it?")
    try await declare(follow(move), edited, declaration, nil)
  }

  /// The files first: where this is cut off, it is run again.
  private func declare(
    _ move: StackMove, _ edited: EditedDeclaration, _ declaration: DeclarationPlan, _ plan: StackMovePlan?
  ) async throws {
    // Copying may take hours: what somebody wrote meanwhile is not written over.
    guard try self.edited(from: move.source, to: move.target).editor.files == edited.editor.files else {
      throw CommandFailure.failed(
        "the files in \(declared.folder) changed since the plan that you consented to; the same command again goes on. "
          + move.standing)
    }
    try await edited.write(declaration, appliance)
    let declared: StackMove = try await appliance.client.post("/v1/moves/\(move.identifier)/declared")
    try tell(declared, plan: plan, declaration: declaration)
  }

  private func tell(_ move: StackMove, plan: StackMovePlan? = nil, declaration: DeclarationPlan? = nil) throws {
    try show(Output(plan: plan, declaration: declaration, move: move), json: appliance.json) {
      guard move.state == .waiting, !move.isHeld else { return move.standing }
      return """
        \(move.standing)
        The appliance goes on by itself when \(move.target) reports that system: bootstead watch \(move.target). Where the \
        appliance has no Nix: bootstead build \(move.target) --builder ssh://HOST
        """
    }
  }

  /// Waits until its data is copied.
  private func follow(_ begun: StackMove) async throws -> StackMove {
    let client = appliance.client
    let began = Date()
    var last: StackMove.State?
    while true {
      let move: StackMove = try await client.get("/v1/moves/\(begun.identifier)")
      if move.state == .failed || move.state == .aborted { throw CommandFailure.failed(move.standing) }
      guard [.stopping, .copying].contains(move.state) else { return move }
      if last != move.state, !appliance.json { printError(move.standing) }
      last = move.state
      let source: MachineDetail = try await client.get("/v1/machines/\(pathComponent(move.source))")
      if Date().timeIntervalSince(max(began, source.machine.reportedAt ?? began)) > Double(timeout) {
        printError(
          "\(move.source) reported last \(ageText(source.machine.reportedAt)); the move goes on when it does. The same "
            + "command again goes on, with --abort it is taken back")
        throw CommandFailure.nodeSilent
      }
      try await Task.sleep(for: .seconds(1))
    }
  }

  private func abort(_ move: StackMove) async throws {
    var declaration: DeclarationPlan?
    if !move.state.isBeforeDeclaration, move.state != .restored {
      // Back the way it came.
      let edited = try edited(from: move.target, to: move.source)
      let plan = try await edited.plan(appliance)
      if !appliance.json { print(terminalText("the declaration in \(declared.folder):\n\(plan.text)")) }
      try consent.ask("Give \(stack) back to \(move.source) like this?")
      try await edited.write(plan, appliance)
      declaration = plan
    }
    let ended: StackMove = try await appliance.client.post("/v1/moves/\(move.identifier)/abort")
    try tell(ended, declaration: declaration)
  }
}

extension ApplianceClient {
  /// A request that says all by its path.
  fileprivate func post<Answer: Decodable>(_ path: String) async throws -> Answer {
    try await send("POST", path, [String: String]())
  }
}
