/// Why a rebuild does not begin. Nothing was written to the machine's disks, but for a repair that was consented to.
public enum RebuildRefusal: Error, Sendable, Hashable, CustomStringConvertible {
  /// The machine is not as the last install left it.
  case differences([RecordDifference])
  /// The pool's metadata is damaged, and nobody allowed to repair it.
  case damagedPool(pool: String, machine: String, findings: [String])
  /// The pool was repaired, and its metadata is still not sound.
  case repairFailed(pool: String, findings: [String])
  /// The pool's metadata is sound in itself but does not hold a volume of the group.
  case missingVolume(name: String, pool: String, detail: String)
  /// Something on the way failed: the state of the data is not known.
  case unknownState(what: String, detail: String)

  public var description: String {
    switch self {
    case .differences(let differences):
      return "This machine is not as it was recorded, so nothing was written."
        + differences.map { "\n  - \($0)" }.joined()
        + "\nPut back what is missing, or name what was replaced: bootstead rebuild --replace-disk OLD=NEW; "
        + "to give up data: --lose-data SERIAL."
    case .damagedPool(let pool, let machine, let findings):
      return "The metadata of the thin pool \(pool) is damaged; nothing was written." + Self.list(findings)
        + "\nTo repair it, with the damaged metadata kept beside it: bootstead rebuild \(machine) --repair-pool."
    case .repairFailed(let pool, let findings):
      return "The metadata of the thin pool \(pool) is damaged even after its repair; the system was not written."
        + Self.list(findings)
        + "\nThe metadata as it was before lies in the volumes of the group that end in _meta and a number."
    case .missingVolume(let name, let pool, let detail):
      return "The thin pool \(pool) does not hold the volume \(name) that its group names (\(detail)); the system was "
        + "not written. After a repair the metadata as it was before lies in a volume that ends in _meta and a number."
    case .unknownState(let what, let detail):
      return "\(what): \(detail). Nothing was written."
    }
  }

  private static func list(_ lines: [String]) -> String { lines.map { "\n  - \($0)" }.joined() }
}

/// One thing that is not as the record says.
public struct RecordDifference: Sendable, Hashable, CustomStringConvertible {
  /// What it is about: a disk, the volume group.
  public var subject: String
  public var expected: String
  public var found: String

  public init(subject: String, expected: String, found: String) {
    self.subject = subject
    self.expected = expected
    self.found = found
  }

  public var description: String { "\(subject): expected \(expected), found \(found)" }
}
