import AgentProtocol
import FoundationEssentials
import ProgramRunner

/// What `zpool status` says of a pool.
public struct ZFSPoolStatus: Sendable, Hashable, Codable {
  /// A top-level part of the pool: losing it loses the pool.
  public struct Part: Sendable, Hashable, Codable {
    /// `mirror-0`, `raidz1-0`, or a disk's own name.
    public var name: String
    /// Its disks, each by its device; one that stands alone is its own only member.
    public var members: [String]
    var isMirror: Bool { name.hasPrefix("mirror-") }
  }

  /// A scrub has to be this new.
  public static let scrubSeconds = 45.0 * 86400

  public var pool: String
  /// The line of the last scrub or resilver, as ZFS writes it.
  public var scan: String
  /// When the last scrub ended, in the machine's own time taken as UTC: to a day.
  public var scrubbed: Date?
  public var isScrubbing: Bool
  /// What ZFS says of damaged data.
  public var errors: String
  public var parts: [Part]

  public init(pool: String, _ text: String) {
    self.pool = pool
    var fields: [String: String] = [:]
    var parts: [Part] = []
    var isInTable = false
    // Only data parts: logs, caches and spares follow under names of their own.
    var isData = true
    var depth = 0
    for line in text.split(whereSeparator: \.isNewline).map(String.init) {
      let body = line.drop { $0 == " " || $0 == "\t" }
      if isInTable, line.hasPrefix("\t") {
        let word = String(body.prefix { $0 != " " && $0 != "\t" })
        let indent = line.dropFirst().prefix { $0 == " " }.count
        if indent == 0 {
          isData = word == pool
        } else if isData, indent == 2 {
          parts.append(Part(name: word, members: []))
          depth = indent
        } else if isData, !parts.isEmpty, indent > depth {
          parts[parts.count - 1].members.append(word)
        }
        continue
      }
      if body.hasPrefix("NAME"), line.hasPrefix("\t") {
        isInTable = true
      } else if let colon = body.firstIndex(of: ":"), !line.hasPrefix("\t") {
        isInTable = false
        fields[String(body[..<colon])] = String(body[body.index(after: colon)...].drop { $0 == " " })
      }
    }
    for index in parts.indices where parts[index].members.isEmpty { parts[index].members = [parts[index].name] }
    self.parts = parts
    scan = fields["scan"] ?? "none requested"
    errors = fields["errors"] ?? ""
    isScrubbing = scan.hasPrefix("scrub in progress")
    scrubbed = scan.hasPrefix("scrub repaired") ? Self.date(scan) : nil
  }

  static func read(_ pool: String, _ runner: any CommandRunner) async throws(NodeWorkError) -> ZFSPoolStatus {
    let output = try await runner.work(Command("zpool", ["status", "-P", "-L", pool]), .storage)
    return ZFSPoolStatus(pool: pool, output.standardOutput)
  }

  /// `… on Sun Jul 25 16:07:49 2021`
  private static func date(_ scan: String) -> Date? {
    let words = scan.split(separator: " ")
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    guard words.count >= 5, let month = months.firstIndex(of: String(words[words.count - 4])),
      let day = Int(words[words.count - 3]), let year = Int(words[words.count - 1]), year > 1970, (1...31).contains(day)
    else { return nil }
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return try? Date("\(year)-\(two(month + 1))-\(two(day))T\(words[words.count - 2])Z", strategy: .iso8601)
  }

  func findings(now: Date) -> [NodeAlarm] {
    var found: [NodeAlarm] = []
    if !errors.isEmpty, errors != "No known data errors" {
      found.append(
        NodeAlarm(
          subject: "pool \(pool): damage",
          text: "the pool \(pool) has damaged data: \(errors); see 'zpool status -v \(pool)'"))
    }
    if !isScrubbing, scrubbed.map({ now.timeIntervalSince($0) > Self.scrubSeconds }) ?? !scan.hasPrefix("resilver") {
      found.append(
        NodeAlarm(
          "the pool \(pool) was not scrubbed for \(Int(Self.scrubSeconds / 86400)) days; "
            + "run 'bootstead-agent storage scrub \(pool)'"))
    }
    return found
  }
}
