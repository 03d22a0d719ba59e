/// What a machine should get when it boots from the network.
public enum BootIntent: Hashable, Sendable, Codable {
  /// The installer, to install.
  case install
  /// Its own disk. It is answered all the same: where nobody answers, EDK2 waits for a minute before it tries the disk.
  case localDisk
  /// A menu that waits, and says why.
  case hold(reason: String)
  case rescue
  /// Nothing at all: the firmware goes on to its next boot device.
  case blocked
  /// The installer, to report what the machine is; it changes nothing.
  case inventory
}

/// The forms of offer that firmware understands; no form suits all (see ``BootHistory``).
public enum OfferStyle: String, Sendable, Codable, CaseIterable {
  /// Option 43 says: load the file of this offer.
  case direct
  /// No option 43: the client asks again at port 4011.
  case binl
  /// A menu of boot servers that names only us; the client asks at port 4011.
  case menu
}

/// What the operator, or experience, set for one machine's firmware.
public struct MachineQuirks: Hashable, Sendable, Codable {
  /// nil chooses by architecture, and tries the next style where one was not taken up.
  public var offerStyle: OfferStyle?
  /// Milliseconds, 0 to 2000. There are ROMs that miss an instant reply (dnsmasq, --dhcp-reply-delay).
  public var replyDelay: Int
  /// The TFTP name of a loader instead of the policy's, `ipxe.efi` for example.
  public var loader: LoaderName?

  public init(offerStyle: OfferStyle? = nil, replyDelay: Int = 0, loader: LoaderName? = nil) {
    self.offerStyle = offerStyle
    self.replyDelay = min(max(replyDelay, 0), 2000)
    self.loader = loader
  }
}

/// What the boot decision has to know of a machine.
public struct MachineView: Hashable, Sendable, Codable {
  public var name: String
  public var intent: BootIntent
  public var quirks: MachineQuirks

  public init(name: String, intent: BootIntent, quirks: MachineQuirks = MachineQuirks()) {
    self.name = name
    self.intent = intent
    self.quirks = quirks
  }
}
