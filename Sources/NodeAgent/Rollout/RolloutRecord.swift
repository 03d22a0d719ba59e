import AgentProtocol
import FoundationEssentials
import Glibc
import NodeFiles

/// What a node is doing about an order to change its system. Written before each step, so that whatever interrupts one
/// is answered by going on or going back.
public struct RolloutRecord: Hashable, Sendable, Codable {
  /// On the node.
  public static let path = "/var/lib/bootstead/rollout.json"

  public enum Phase: String, Hashable, Sendable, Codable {
    case fetching
    /// The new system runs, or is being started; the machine still boots the old one.
    case trial
    /// The new system has proved itself; the machine is made to boot it.
    case committing
    case rollingBack
    case succeeded
    case rolledBack
    case failed

    public var isFinal: Bool { [.succeeded, .rolledBack, .failed].contains(self) }
  }

  public var order: RolloutOrder
  public var phase: Phase
  /// The store path of the system that ran before.
  public var previous: String
  /// What the link of the system profile said before, such as `system-3-link`.
  public var profile: String?
  public var reason: String?
  /// How often the machine was restarted to get rid of the new system.
  public var restarts: Int

  public init(order: RolloutOrder, phase: Phase, previous: String, profile: String?) {
    self.order = order
    self.phase = phase
    self.previous = previous
    self.profile = profile
    restarts = 0
  }

  /// For the appliance.
  public var report: RolloutReport {
    let state: RolloutReport.State =
      switch phase {
      case .fetching: .fetching
      case .trial, .committing, .rollingBack: .switching
      case .succeeded: .succeeded
      case .rolledBack: .rolledBack
      case .failed: .failed
      }
    return RolloutReport(order: order.identifier, state: state, reason: reason)
  }

  /// Nil where there is none, or none that can be read.
  public static func load(root: String) -> RolloutRecord? {
    FileSystemEntry(root + path).bytes().flatMap { try? MessageCoder.decode(RolloutRecord.self, from: $0) }
  }

  func save(root: String) throws {
    try WholeFile.write(MessageCoder.encode(self), to: root + Self.path)
    // The order of the steps has to survive a power cut as well: what was written before is on the disk, too.
    sync()
  }
}
