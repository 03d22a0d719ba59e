/// A refusal of the registry: what was wrong, and what to do about it.
public enum FleetError: Error, Equatable, CustomStringConvertible {
  case invalidName(String)
  case noSuchMachine(String)
  case nameTaken(String)
  case addressTaken(String, owner: String)
  case noAddress(String)
  case ambiguous(String, candidates: [String])
  case transition(machine: String, state: MachineState, verb: MachineTransition)
  case codeMismatch(machine: String)
  case noClaim(machine: String)
  case unknownSession
  case unknownNonce
  case claimWaits(String)
  case conflict(String)
  case invalidValue(field: String, reason: String)
  case notFound(kind: String, name: String)
  case database(String)
  /// Files of a declared fleet are refused: a sentence for each thing that is wrong, with its file and field.
  case declaration([String])
  /// A machine's stacks are refused: FILE:LINE: RULE: what is wrong, for each rule that is broken.
  case stacks(machine: String, [String])
  case build(String)

  public var description: String {
    switch self {
    case .invalidName(let name):
      "'\(name.prefix(80))' can not be a machine's name: use 1 to 63 of a-z, 0-9 and inner hyphens"
    case .noSuchMachine(let name):
      "there is no machine '\(name.prefix(80))'; 'bootstead machine list' shows those there are"
    case .nameTaken(let name): "a machine named '\(name)' exists already; choose another name"
    case .addressTaken(let mac, let owner): "\(mac) belongs to the machine '\(owner)' already"
    case .noAddress(let name): "the machine '\(name)' needs at least one MAC address: give --mac"
    case .ambiguous(let text, let candidates):
      "'\(text.prefix(80))' names several machines: \(candidates.joined(separator: ", "))"
    case .transition(let machine, let state, let verb):
      "the machine '\(machine)' is \(state.rawValue), so it can not \(verb.rawValue)"
    case .codeMismatch(let machine):
      "the code is not the one that '\(machine)' shows: compare its screen again, and approve nothing that differs"
    case .noClaim(let machine):
      "no agent of '\(machine)' is waiting, so there is no code to compare: boot it from the network first"
    case .unknownSession: "no such session: it ended or never began; boot the machine again"
    case .unknownNonce: "this boot is not known here or has ended: boot the machine again"
    case .claimWaits(let reason): reason
    case .conflict(let reason): reason
    case .invalidValue(let field, let reason): "\(field): \(reason)"
    case .notFound(let kind, let name): "there is no \(kind) '\(name.prefix(120))'"
    case .declaration(let problems):
      "the declaration is refused, and nothing was changed:" + problems.prefix(50).map { "\n  \($0)" }.joined()
    case .stacks(let machine, let problems):
      "the stacks of '\(machine)' are refused, and nothing was changed or published:"
        + problems.prefix(50).map { "\n  \($0)" }.joined()
    case .build(let reason): reason
    case .database(let reason): "the registry could not be read or written: \(reason)"
    }
  }
}
