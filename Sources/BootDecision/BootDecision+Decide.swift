import DHCP
import NetworkAddress

extension BootDecision {
  /// Decides what one request gets. Pure: the same arguments always give the same decision.
  /// - Parameters:
  ///   - facts: what the request says.
  ///   - machine: the registered machine with this MAC address, if there is one.
  ///   - policy: the appliance's settings.
  ///   - history: what this client did in the last minutes.
  public static func decide(
    _ facts: ClientFacts, machine: MachineView?, policy: BootPolicy, history: ClientHistory = ClientHistory()
  ) -> BootDecision {
    var reasons: [BootReason] = []
    func silent(_ reason: BootReason, intent: BootIntent? = nil) -> BootDecision {
      BootDecision(verdict: .silent, machine: machine?.name, intent: intent, reasons: reasons + [reason])
    }

    guard let address = policy.addresses[facts.interface] else { return silent(.interfaceNotServed) }
    if let relay = facts.relayAddress, !policy.mayAnswer(relay: relay) { return silent(.relayNotAllowed) }
    if let server = facts.serverIdentifier, server != .any, !policy.addresses.values.contains(server) {
      return silent(.meantForAnotherServer)
    }
    if let item = facts.bootItem, facts.port == .bootServer, !PXEMenu.types.contains(item.type) {
      return silent(.foreignBootItem)
    }

    let intent: BootIntent
    if let machine {
      reasons.append(.machineKnown)
      intent = machine.intent
    } else {
      reasons.append(.machineUnknown)
      switch policy.enrolment {
      case .closed: return silent(.enrolmentClosed)
      case .inventory: reasons.append(.enrolmentInventory)
      case .automatic: reasons.append(.enrolmentAutomatic)
      }
      intent = .inventory
    }
    if intent == .blocked { return silent(.machineBlocked, intent: intent) }
    reasons.append(intent.reason)
    if facts.hasPlaceholderUUID { reasons.append(.placeholderUUID) }
    if let evidence = facts.iPXEEvidence { reasons.append(evidence.reason) }

    let quirks = machine?.quirks ?? MachineQuirks()
    guard
      let bootFile = bootFile(facts, address: address, quirks: quirks, policy: policy, history, reasons: &reasons)
    else { return silent(.noLoaderForArchitecture, intent: intent) }
    let style = style(facts, quirks: quirks, history, reasons: &reasons)
    if quirks.replyDelay > 0 { reasons.append(.replyDelayed) }
    return BootDecision(
      verdict: facts.port == .bootServer ? .acknowledge : .offer, machine: machine?.name, intent: intent,
      bootFile: style == .menu ? nil : bootFile, serverAddress: address, style: style,
      replyDelay: quirks.replyDelay, reasons: reasons)
  }

  private static func bootFile(
    _ facts: ClientFacts, address: IPv4Address, quirks: MachineQuirks, policy: BootPolicy, _ history: ClientHistory,
    reasons: inout [BootReason]
  ) -> String? {
    let script = script(facts, address: address, policy: policy)
    if facts.kind == .iPXE {
      guard facts.iPXELacksFeatures else {
        reasons.append(.iPXEGetsScript)
        return script
      }
      if history.loaderFetches >= policy.loopCount {
        reasons.append(.loopBroken)
        return script
      }
    }
    guard let loader = loader(facts, quirks: quirks, policy: policy) else { return nil }
    if quirks.loader != nil { reasons.append(.loaderSetForMachine) }
    switch facts.kind {
    case .pxe:
      reasons.append(.firmwareGetsLoader)
      return loader.text
    case .httpClient:
      reasons.append(.httpBootGetsLoader)
      return "http://\(address):\(policy.httpPort)/boot/loader/\(loader)"
    case .iPXE:
      reasons.append(.iPXELacksFeatures)
      // With option 43 in the offer, iPXE takes the file for a complete URI.
      return "tftp://\(address)/\(loader)"
    }
  }

  /// At most 102 bytes, so it always fits into the 127 of the header's field.
  private static func script(_ facts: ClientFacts, address: IPv4Address, policy: BootPolicy) -> String {
    let base = "http://\(address):\(policy.httpPort)/boot.ipxe?mac=\(facts.mac.hyphenated)"
    return facts.uuid.map { "\(base)&uuid=\($0)" } ?? base
  }

  private static func loader(_ facts: ClientFacts, quirks: MachineQuirks, policy: BootPolicy) -> LoaderName? {
    let platforms = facts.architectures.map(\.platform).filter { facts.kind != .httpClient || $0.isUEFI }
    guard let known = platforms.lazy.compactMap({ policy.loaders[$0] }).first else { return nil }
    return quirks.loader ?? known
  }

  private static func style(
    _ facts: ClientFacts, quirks: MachineQuirks, _ history: ClientHistory, reasons: inout [BootReason]
  ) -> OfferStyle? {
    if facts.port == .bootServer {
      reasons.append(.noStyleOnPort4011)
      return nil
    }
    switch facts.kind {
    case .httpClient: return nil
    case .iPXE: return .direct
    case .pxe: break
    }
    if let style = quirks.offerStyle {
      reasons.append(.styleSetForMachine)
      return style
    }
    // Many UEFI ROMs skip an offer with option 43 or ask at port 4011 in any case; BIOS ROMs want it (pixiecore,
    // dnsmasq). Neither form suits all, hence the rotation.
    let order: [OfferStyle] =
      (facts.architectures.first?.platform.isUEFI ?? false) ? [.binl, .direct, .menu] : [.direct, .menu, .binl]
    let start = history.workingStyle.flatMap { order.firstIndex(of: $0) } ?? 0
    let step = max(0, history.ignoredOffers) % order.count
    reasons.append(
      step > 0 ? .styleRotated : history.workingStyle != nil ? .styleThatWorkedBefore : .styleByArchitecture)
    return order[(start + step) % order.count]
  }
}

extension ClientFacts {
  /// An iPXE that says what it has, and lacks what our script needs.
  var iPXELacksFeatures: Bool {
    guard let iPXEFeatures else { return false }
    let isUEFI = architectures.first?.platform.isUEFI ?? false
    return !iPXEFeatures.isSuperset(of: [.http, isUEFI ? .efi : .bzImage])
  }
}

extension BootIntent {
  var reason: BootReason {
    switch self {
    case .install: .installWanted
    case .localDisk: .localDiskWanted
    case .hold: .holdWanted
    case .rescue: .rescueWanted
    case .blocked: .machineBlocked
    case .inventory: .inventoryWanted
    }
  }
}

extension IPXEEvidence {
  var reason: BootReason {
    switch self {
    case .userClass: .iPXEByUserClass
    case .option175: .iPXEByOption175
    case .vendorClass: .iPXEByVendorClass
    }
  }
}
