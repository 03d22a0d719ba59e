/// One rule that took part in a decision. The raw value is stable: it stands in logs, in the API and in golden files.
public enum BootReason: String, Sendable, Codable, CaseIterable {
  case interfaceNotServed
  case relayNotAllowed
  case meantForAnotherServer
  case foreignBootItem
  case machineKnown
  case machineUnknown
  case enrolmentClosed
  case enrolmentInventory
  case enrolmentAutomatic
  case machineBlocked
  case installWanted
  case localDiskWanted
  case holdWanted
  case rescueWanted
  case inventoryWanted
  case placeholderUUID
  case iPXEByUserClass
  case iPXEByOption175
  case iPXEByVendorClass
  case iPXEGetsScript
  case iPXELacksFeatures
  case loopBroken
  case firmwareGetsLoader
  case loaderSetForMachine
  case httpBootGetsLoader
  case noLoaderForArchitecture
  case styleSetForMachine
  case styleByArchitecture
  case styleThatWorkedBefore
  case styleRotated
  case noStyleOnPort4011
  case replyDelayed

  /// One English sentence for people.
  public var text: String {
    switch self {
    case .interfaceNotServed: "the request came in on an interface that is not served"
    case .relayNotAllowed: "the relay's address is not one that may be answered"
    case .meantForAnotherServer: "the request names another boot server (option 54)"
    case .foreignBootItem: "the request chose a boot server type that is not ours (option 43.71)"
    case .machineKnown: "the machine is registered"
    case .machineUnknown: "no registered machine has this MAC address"
    case .enrolmentClosed: "enrolment is closed, unknown machines get silence"
    case .enrolmentInventory: "enrolment is open for inventory"
    case .enrolmentAutomatic: "enrolment is automatic"
    case .machineBlocked: "the machine is blocked, it gets silence"
    case .installWanted: "an install is armed"
    case .localDiskWanted: "it shall boot from its own disk; silence would cost it a minute"
    case .holdWanted: "it is held at the menu"
    case .rescueWanted: "the rescue system was asked for"
    case .inventoryWanted: "it shall only report what it is"
    case .placeholderUUID: "its UUID is a placeholder that many boards share, and was ignored"
    case .iPXEByUserClass: "it is iPXE (option 77)"
    case .iPXEByOption175: "it is iPXE (option 175)"
    case .iPXEByVendorClass: "it is iPXE (option 60)"
    case .iPXEGetsScript: "iPXE gets the machine's script by HTTP"
    case .iPXELacksFeatures: "this iPXE lacks HTTP or the kernel format, it gets our own iPXE first"
    case .loopBroken: "iPXE fetched a loader again and again, it gets only its script"
    case .firmwareGetsLoader: "firmware gets the loader for its architecture by TFTP"
    case .loaderSetForMachine: "the loader was set for this machine"
    case .httpBootGetsLoader: "UEFI HTTP boot gets the loader's URI"
    case .noLoaderForArchitecture: "there is no loader for this architecture"
    case .styleSetForMachine: "the offer style was set for this machine"
    case .styleByArchitecture: "the offer style is the usual one for this kind of client"
    case .styleThatWorkedBefore: "the offer style is the one this machine took up before"
    case .styleRotated: "the machine did not take up the last offers, so the next style is tried"
    case .noStyleOnPort4011: "at port 4011 the answer names the file"
    case .replyDelayed: "the reply is delayed, as set for this machine"
    }
  }
}
