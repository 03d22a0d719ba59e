/// The paths of a take-over by kexec. Requests prove their token (``TakeoverProof``), answers are signed by the appliance.
public enum TakeoverPath {
  /// `GET`: the script for a rescue shell. Public, and the same for every machine.
  public static let script = "/takeover"
  /// `GET`: the static agent.
  public static let agent = "/takeover/agent"
  /// `POST` ``TakeoverBegin`` → ``TakeoverGrant``.
  public static let begin = "/takeover/v1/begin"
  /// `POST` ``TakeoverStep`` → nothing, 204.
  public static let step = "/takeover/v1/step"
}

/// What runs on a machine that is to be taken over.
public struct RunningSystem: Hashable, Sendable, Codable {
  public struct Mount: Hashable, Sendable, Codable {
    public var path: String
    /// A device node, or a server's export.
    public var source: String
    public var type: String
    /// Serial numbers, or kernel names, of the disks below it.
    public var disks: [String]

    public init(path: String, source: String, type: String, disks: [String]) {
      (self.path, self.source, self.type, self.disks) = (path, source, type, disks)
    }
  }

  /// As its os-release names it.
  public var name: String
  public var kernel: String
  public var hostName: String
  public var mounts: [Mount]
  /// Logical volumes, RAID arrays and the like, by their names.
  public var volumes: [String]
  /// Programs that accept connections, with their ports: `nginx 80 443`.
  public var services: [String]
  /// What a user should know before it ends.
  public var warnings: [String]

  public init(
    name: String, kernel: String, hostName: String, mounts: [Mount], volumes: [String], services: [String],
    warnings: [String]
  ) {
    (self.name, self.kernel, self.hostName) = (name, kernel, hostName)
    (self.mounts, self.volumes, self.services, self.warnings) = (mounts, volumes, services, warnings)
  }

  /// For a question or an event, a line for each matter.
  public var lines: [String] {
    var lines = ["\(name) on \(hostName), Linux \(kernel)"]
    lines += mounts.map { mount in
      "mounted: \(mount.path) (\(mount.type) on \(mount.source)\(mount.disks.isEmpty ? "" : ", disk " + mount.disks.joined(separator: ", ")))"
    }
    if !volumes.isEmpty { lines.append("volumes: \(volumes.joined(separator: ", "))") }
    if !services.isEmpty { lines.append("serves: \(services.joined(separator: ", "))") }
    return lines + warnings.map { "note: \($0)" }
  }
}

/// What a look at the machine gave; `bootstead-agent takeover inspect --json` prints it.
public struct TakeoverInspection: Hashable, Sendable, Codable {
  public var inventory: MachineInventory
  public var system: RunningSystem
  /// Why it can not be taken over, each with the way out. Empty: it can.
  public var obstacles: [String]

  public init(inventory: MachineInventory, system: RunningSystem, obstacles: [String]) {
    (self.inventory, self.system, self.obstacles) = (inventory, system, obstacles)
  }
}

/// The agent in the old system asks for kernel and initrd.
public struct TakeoverBegin: Hashable, Sendable, Codable {
  /// Random; the same request may come again where its answer was lost.
  public var attempt: BootNonce
  public var inventory: MachineInventory
  public var system: RunningSystem

  public init(attempt: BootNonce, inventory: MachineInventory, system: RunningSystem) {
    (self.attempt, self.inventory, self.system) = (attempt, inventory, system)
  }
}

/// Everything that the machine is to boot with, signed as an answer of the appliance.
public struct TakeoverGrant: Hashable, Sendable, Codable {
  public struct File: Hashable, Sendable, Codable {
    public var path: String
    /// Bytes.
    public var size: Int
    /// SHA-256, 64 lower-case hexadecimal digits.
    public var digest: String

    public init(path: String, size: Int, digest: String) { (self.path, self.size, self.digest) = (path, size, digest) }
  }

  public var machineName: String
  public var kernel: File
  public var initrd: File
  public var overlay: BootOverlay
  /// Kernel arguments.
  public var arguments: [String]

  public init(machineName: String, kernel: File, initrd: File, overlay: BootOverlay, arguments: [String]) {
    (self.machineName, self.kernel, self.initrd) = (machineName, kernel, initrd)
    (self.overlay, self.arguments) = (overlay, arguments)
  }
}

/// How far the agent in the old system is.
public struct TakeoverStep: Hashable, Sendable, Codable {
  public enum Stage: String, Hashable, Sendable, Codable { case fetching, loaded, executing, failed }

  /// Rises with each report.
  public var number: Int
  public var stage: Stage
  public var text: String

  public init(number: Int, stage: Stage, text: String) { (self.number, self.stage, self.text) = (number, stage, text) }
}
