import FoundationEssentials
import ProgramRunner

/// How systemd units ended that carry a design out without the agent, or by it.
public struct UnitResults: Sendable, Hashable, Codable {
  public struct Unit: Sendable, Hashable, Codable {
    /// When it ended last, as far as is known.
    public var ended: Date?
    /// When it ended well last. systemd forgets with the machine's restart, and this file does not.
    public var succeeded: Date?
    /// systemd's word for the last run: `success`, `exit-code`, `timeout` and others.
    public var result: String?
    /// Whether systemd knows the unit.
    public var isThere = true

    public init(ended: Date? = nil, succeeded: Date? = nil, result: String? = nil, isThere: Bool = true) {
      self.ended = ended
      self.succeeded = succeeded
      self.result = result
      self.isThere = isThere
    }
  }

  public var schema = 1
  public var units: [String: Unit] = [:]

  public init(units: [String: Unit] = [:]) { self.units = units }

  /// Asks systemd, and keeps what it said for later.
  public static func read(
    _ names: [String], folders: NodeFolders, runner: any CommandRunner
  ) async throws(NodeWorkError) -> UnitResults {
    let before = try DurableFile.value(UnitResults.self, at: folders.unitHistory) ?? UnitResults()
    var results = UnitResults()
    for name in Set(names).sorted() {
      let output = try await runner.work(
        Command(
          "systemctl",
          [
            "show", name, "--timestamp=unix", "--property", "LoadState,ExecMainExitTimestamp,Result",
          ]))
      results.units[name] = Self.unit(output.standardOutput, before: before.units[name])
    }
    if results != before { try DurableFile.writeJSON(results, to: folders.unitHistory) }
    return results
  }

  static func unit(_ text: String, before: Unit?) -> Unit {
    var fields: [String: String] = [:]
    for line in text.split(whereSeparator: \.isNewline) {
      guard let equals = line.firstIndex(of: "=") else { continue }
      fields[String(line[..<equals])] = String(line[line.index(after: equals)...])
    }
    guard fields["LoadState"] != "not-found" else {
      return Unit(ended: before?.ended, succeeded: before?.succeeded, result: before?.result, isThere: false)
    }
    // `@1700000000`; `@0` or nothing where it did not run since the machine's start.
    guard let stamp = fields["ExecMainExitTimestamp"], stamp.hasPrefix("@"),
      let seconds = Double(stamp.dropFirst()), seconds > 0
    else { return Unit(ended: before?.ended, succeeded: before?.succeeded, result: before?.result) }
    let ended = Date(timeIntervalSince1970: seconds)
    let result = fields["Result"] ?? "unknown"
    return Unit(ended: ended, succeeded: result == "success" ? ended : before?.succeeded, result: result)
  }
}
