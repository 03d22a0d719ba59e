import BootDecision
import Foundation
import NetworkAddress

/// What a boot script request tells of the machine. All of it is chosen by whoever holds the cable.
public struct BootContact: Sendable {
  public var mac: MACAddress
  public var uuid: SystemUUID?
  public var serial: String?
  public var product: String?
  public var platform: String?

  public init(mac: MACAddress, uuid: SystemUUID?, serial: String?, product: String?, platform: String?) {
    (self.mac, self.uuid, self.serial, self.product, self.platform) = (mac, uuid, serial, product, platform)
  }
}

/// What the boot script of a machine does, and the values it needs.
public struct BootAnswer: Sendable {
  public var intent: BootIntent
  /// The name to show on the screen; nil for a machine that nobody knows.
  public var name: String?
  /// The boot image's name; nil means the default.
  public var image: String?
  /// What an install boot does, for the screen.
  public var doing: String?
  /// The handle of this boot's overlay, where the script boots an image.
  public var nonce: String?
}
