import FoundationEssentials

/// What is backed up, how and where: `/etc/bootstead/backup.json`.
public struct BackupConfiguration: Sendable, Hashable, Decodable {
  public struct Repository: Sendable, Hashable, Decodable {
    public var type: String
    public var url: String
    /// A line of `known_hosts`.
    public var hostKey: String?
    public var passphraseFile: String?
    public var sshKeyFile: String?
    /// Files with secrets, by environment variable.
    public var environmentFiles: [String: String]
    /// What is run in SSH's place, with its arguments.
    public var remoteShell: String?
  }

  public var schema: Int
  /// The file with the URL that is told of runs.
  public var ping: String?
  /// Files with URLs of their own, by plan; and of `test-restore`, `prune` and `check`.
  public var pings: [String: String]?
  public var repositories: [String: Repository]
  public var plans: [String: BackupPlan]
  /// Designs that are no plans of the agent, by name.
  public var others: [String: OtherDesign]?

  public static func read(_ path: String) throws(NodeWorkError) -> BackupConfiguration {
    guard let configuration = try DurableFile.value(BackupConfiguration.self, at: path) else {
      throw NodeWorkError(
        .configuration, "there is no \(path): this machine has no backup", advice: "enable a design in bootstead.backup"
      )
    }
    guard configuration.schema == 1 else {
      throw NodeWorkError(
        .configuration, "\(path) has the form \(configuration.schema), and this agent reads form 1",
        advice: "update the agent")
    }
    return configuration
  }

  public func plan(_ name: String) throws(NodeWorkError) -> BackupPlan {
    guard let plan = plans[name] else {
      throw NodeWorkError(
        .unknownPlan, "there is no backup plan “\(name)”",
        advice: "there are \(plans.keys.sorted().joined(separator: ", "))")
    }
    return plan
  }
}

/// One design with its settings.
public struct BackupPlan: Sendable, Hashable, Decodable {
  public enum Design: Sendable, Hashable {
    case borg(BorgSettings)
    case restic(ResticSettings)
    /// Snapshots on the stacks' own pools, and nothing more.
    case snapshots(SnapshotSettings)
    /// Dumps of databases, and nothing more.
    case dumps(DumpSettings)
    case mirror(MirrorSettings)
    case coldCopy(ColdCopySettings)
    case proxmox(ProxmoxSettings)
    /// Its name: systemd units of its own carry it out, or this agent does not know it.
    case other(String)
  }

  public var design: Design
  /// 0: machine image, 1: data of the stacks, 2: local snapshots, 3: a copy off the house.
  public var tier: Int
  public var stacks: [String]
  public var repository: String?
  /// The systemd unit that runs it.
  public var unit: String?
  /// Of designs that are bound to folders or placement classes instead of stacks.
  public var scope: DesignScope?

  private enum CodingKeys: String, CodingKey { case design, tier, stacks, repository, unit, settings }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    tier = try values.decode(Int.self, forKey: .tier)
    stacks = try values.decode([String].self, forKey: .stacks)
    repository = try values.decodeIfPresent(String.self, forKey: .repository)
    unit = try values.decodeIfPresent(String.self, forKey: .unit)
    scope = try? values.decodeIfPresent(DesignScope.self, forKey: .settings)
    let name = try values.decode(String.self, forKey: .design)
    switch name {
    case "borg-per-service": design = .borg(try values.decode(BorgSettings.self, forKey: .settings))
    case "restic-rest": design = .restic(try values.decode(ResticSettings.self, forKey: .settings))
    case "b2-offsite":
      design = .restic(ResticSettings(offsite: try values.decode(OffsiteSettings.self, forKey: .settings)))
    case "stack-snapshots": design = .snapshots(try values.decode(SnapshotSettings.self, forKey: .settings))
    case "db-dump": design = .dumps(try values.decode(DumpSettings.self, forKey: .settings))
    case "rsync-mirror": design = .mirror(try values.decode(MirrorSettings.self, forKey: .settings))
    case "cold-copy": design = .coldCopy(try values.decode(ColdCopySettings.self, forKey: .settings))
    case "pbs": design = .proxmox(try values.decode(ProxmoxSettings.self, forKey: .settings))
    default: design = .other(name)
    }
  }
}

public struct SnapshotSettings: Sendable, Hashable, Decodable {
  public var retention: Retention
  /// Of single stacks, instead.
  public var stackRetention: [String: Retention]

  public func retention(of stack: String) -> Retention { stackRetention[stack] ?? retention }
}

public struct BorgSettings: Sendable, Hashable, Decodable {
  public var encryption: String
  public var compression: String
  /// Borg's patterns.
  public var exclude: [String]
  public var retention: Retention
  /// Of single stacks, instead.
  public var stackRetention: [String: Retention]
  /// The placement classes whose volumes are copied; all where there are none.
  public var classes: [String]?
  public var checkSchedule: CheckSchedule
  /// By stack.
  public var passphraseFiles: [String: String]
}

/// How many archives stay.
public struct Retention: Sendable, Hashable, Codable {
  public var last: Int
  public var daily: Int
  public var weekly: Int
  public var monthly: Int
  public var yearly: Int

  public init(last: Int = 0, daily: Int = 0, weekly: Int = 0, monthly: Int = 0, yearly: Int = 0) {
    self.last = last
    self.daily = daily
    self.weekly = weekly
    self.monthly = monthly
    self.yearly = yearly
  }

  /// Empty where everything stays: a rule that keeps nothing would delete all.
  /// As Borg and Restic both write it.
  var arguments: [String] {
    let spans = [("last", last), ("daily", daily), ("weekly", weekly), ("monthly", monthly), ("yearly", yearly)]
    return spans.filter { $0.1 > 0 }.flatMap { ["--keep-\($0.0)", "\($0.1)"] }
  }
}
