import AgentProtocol
import Foundation
import NetworkAddress

/// `rebuild`
public struct RebuildRequest: Codable, Sendable {
  public struct DiskReplacement: Codable, Sendable, Equatable {
    /// The recorded identifier or serial number of the disk that is gone.
    public var old: String
    /// The serial number or stable id of the disk in its place.
    public var new: String

    public init(old: String, new: String) { (self.old, self.new) = (old, new) }
  }

  public struct AddressReplacement: Codable, Sendable, Equatable {
    /// nil means the only one.
    public var old: MACAddress?
    public var new: MACAddress

    public init(old: MACAddress?, new: MACAddress) { (self.old, self.new) = (old, new) }
  }

  public var replaceDisks: [DiskReplacement] = []
  public var replaceAddresses: [AddressReplacement] = []
  /// Recorded disks whose data may be lost.
  public var loseData: [String] = []
  /// Replacement disks that may be erased although they are not blank.
  public var consents: [String] = []
  public var mayRepairPool: Bool = false
  public var fingerprint: FingerprintDepth = .sampled
  /// The machine that asks is the recorded one, whatever the evidence.
  public var acceptsHardware: Bool = false
  /// Nothing begins before the operator has compared the short code.
  public var comparesCode: Bool = false
  /// Another system than the recorded one.
  public var closure: String?
  /// The node gets the order to start from the network.
  public var now: Bool = false
  /// The k3s cluster that the machine is a server of may stand still meanwhile.
  public var acceptsOutage: Bool = false
  /// Data that the rebuild loses comes back from the stacks' repositories: `latest`, the newest archives from before it.
  public var restore: String?
  /// Where the machine's stacks keep their data. The appliance fills it in, for ``restore``.
  public var stackData: [StackData] = []
  /// Seconds for which the rebuild stays armed.
  public var window: TimeInterval = 86_400
  /// Of the preview that the operator consented to; a preview needs none.
  public var digest: String?

  public init() {}
}
