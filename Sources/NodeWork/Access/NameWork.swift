import StackSet

/// Tries one name.
struct NameWork: Sendable {
  let set: StackSet
  let zone: StackExposure
  /// Where names are to lead; nil where that is not known.
  let address: String?
  let servers: [NameServer]
  let probe: HubProbe
  let port: Int
  /// For one answer of a name server.
  let timeout: Duration
  let now: Int

  func check(_ name: String, of route: TriedRoute) async throws(NodeWorkError) -> NameCheck {
    var check = NameCheck(
      name: name, stack: route.service?.stack, route: route.name, exposure: route.exposure, expected: "", found: "",
      findings: [], addresses: [])
    if route.exposure.admits(zone) {
      try await admitted(route, &check)
    } else {
      try await excluded(route, &check)
    }
    return check
  }

  /// What ``check(_:of:)`` gives or throws.
  func result(_ name: String, of route: TriedRoute) async -> Result<NameCheck, NodeWorkError> {
    do {
      return .success(try await check(name, of: route))
    } catch {
      return .failure(error)
    }
  }

  // MARK: Names that this zone may use

  private func admitted(_ route: TriedRoute, _ check: inout NameCheck) async throws(NodeWorkError) {
    let wanted = wantedStatus(route)
    check.expected =
      (address.map { "leads to \($0), " } ?? "") + "with a certificate for it, and "
      + (route.login.map { "sends to \($0)" } ?? wanted.status.map { "answers \($0)" } ?? "answers")
    try await look(&check, mustBeThere: true)
    if let address {
      let others = check.addresses.filter { $0 != address }
      if !others.isEmpty {
        let isOtherKind = others.allSatisfy { $0.contains(":") != address.contains(":") }
        check.findings.append(
          AccessFinding(
            .wrongAddress, "it leads to \(others.joined(separator: ", "))",
            advice: isOtherKind
              ? "devices may take that address first: have the name server give no other than \(address)"
              : "enter \(address) for it at the name server, and announce no other name server to devices"))
      }
    }
    guard let target = address ?? check.addresses.first else {
      check.found = "no address"
      return
    }
    let answer = try await probe.ask(check.name, at: target, port: port, path: wanted.path)
    check.certificate = answer.certificate
    judge(answer, at: target, &check)
    switch answer.outcome {
    case .noConnection(let reason):
      check.found = "nobody answers at \(target):\(port)"
      check.findings.append(
        AccessFinding(
          .noConnection, reason, advice: "look whether the reverse proxy runs, and its ports are open to this network"))
    case .noHandshake(let reason):
      check.found = "no TLS at \(target)"
      check.findings.append(
        AccessFinding(
          .handshake, reason,
          advice:
            "the reverse proxy has no certificate for the name, or does not know it: give it the routes, look into its log"
        ))
    case .dropped:
      check.found = "the connection is ended"
      check.findings.append(
        AccessFinding(
          .turnedAway, "the reverse proxy ends the connection without an answer",
          advice:
            "name this network in settings.access.\(zone == .vpn ? "vpnNetworks" : "localNetworks"), or look into the proxy's log"
        ))
    case .silent:
      check.found = "no answer in time"
      check.findings.append(
        AccessFinding(
          .noService, "the connection is taken, and nothing comes",
          advice: route.advice))
    case .answered(let status, let redirect):
      (check.status, check.redirect) = (status, redirect)
      check.found = "status \(status)" + (redirect.map { ", to \($0)" } ?? "")
      judge(status: status, redirect, wanted.status, route, &check)
    }
    if let certificate = answer.certificate {
      check.found += ", certificate of “\(certificate.issuerName)” for \(certificate.daysLeft(now: now)) more days"
    }
  }

  private func judge(_ answer: HubProbe.Answer, at target: String, _ check: inout NameCheck) {
    guard let certificate = answer.certificate else {
      if let distrust = answer.distrust {
        check.findings.append(
          AccessFinding(.certificateIssuer, distrust, advice: "look which certificate the reverse proxy gives out"))
      }
      return
    }
    if !certificate.isFor(check.name) {
      let names = certificate.names.prefix(5).joined(separator: ", ")
      check.findings.append(
        AccessFinding(
          .certificateName, "the certificate is for \(names.isEmpty ? certificate.subject : names)",
          advice: "somebody else answers at \(target), or the reverse proxy has no certificate for the name yet"))
    } else if certificate.until < now {
      check.findings.append(
        AccessFinding(
          .certificateExpired, "the certificate ended \(-certificate.daysLeft(now: now)) days ago",
          advice: "have it renewed: the reason is in the log of the reverse proxy, or of acme-order-renew-bootstead"))
    } else if let distrust = answer.distrust {
      check.findings.append(
        AccessFinding(
          .certificateIssuer, "“\(certificate.issuerName)” is not trusted: \(distrust)",
          advice: set.access?.signer == .authority
            ? "have devices trust http://\(target)/root.crt, or give its file with --authority"
            : "look why the reverse proxy did not get a certificate of Let's Encrypt"))
    } else if certificate.isOld(now: now) {
      check.findings.append(
        AccessFinding(
          .certificateOld, "the certificate should have been renewed; \(certificate.daysLeft(now: now)) days are left",
          advice: "the reason is in the log of the reverse proxy, or of acme-order-renew-bootstead"))
    }
  }

  private func judge(
    status: Int, _ redirect: String?, _ wanted: Int?, _ route: TriedRoute, _ check: inout NameCheck
  ) {
    func add(_ kind: AccessFinding.Kind, _ problem: String, _ advice: String) {
      check.findings.append(AccessFinding(kind, problem, advice: advice))
    }
    if let login = route.login {
      if (300..<400).contains(status), redirect == login || redirect?.hasPrefix(login + "/") == true {
        return
      }
      if (200..<400).contains(status) {
        return add(
          .noLogin, redirect.map { "it sends to \($0)" } ?? "it answers without a login",
          "look at the provider's entry for \(check.name), and have the reverse proxy ask it")
      }
    }
    switch status {
    case 502, 503, 504:
      add(
        .noService, "the reverse proxy does not reach \(route.upstream)",
        route.advice)
    case 403 where wanted != 403:
      add(
        .turnedAway, "the reverse proxy, or the service, refuses this network",
        "name it in settings.access.\(zone == .vpn ? "vpnNetworks" : "localNetworks"), and look at the service's own list"
      )
    case _ where wanted.map({ $0 != status }) ?? (status >= 400 && status != 401):
      add(
        .status, "the status is \(status)" + (wanted.map { ", not \($0)" } ?? ""),
        "look whether the name leads to \(route.service.map { "\($0.stack)/\($0.name)" } ?? route.upstream); \(route.advice)"
      )
    default: break
    }
  }

  /// What the stack itself says of its service at work.
  private func wantedStatus(_ route: TriedRoute) -> (path: String, status: Int?) {
    guard route.login == nil, let service = route.service,
      let monitor = set.monitors.first(where: {
        $0.stack == service.stack && $0.service == service.name && $0.port == service.port && $0.type == .http
      })
    else { return ("/", nil) }
    return (monitor.path ?? "/", monitor.status)
  }

  // MARK: Names that this zone must not use

  private func excluded(_ route: TriedRoute, _ check: inout NameCheck) async throws(NodeWorkError) {
    check.expected = "does not answer from \(zone.rawValue)"
    try await look(&check, mustBeThere: false)
    var targets = check.addresses
    // Whoever knows the name needs no name server.
    if let address, !targets.contains(address) { targets.append(address) }
    check.found = targets.isEmpty ? "no such name" : "no answer"
    var probe = probe
    // Who the answer's certificate is from does not matter here.
    probe.authority = nil
    for target in targets {
      let answer = try await probe.ask(check.name, at: target, port: port, path: "/")
      guard case .answered(let status, _) = answer.outcome else { continue }
      check.status = status
      check.found = "status \(status) at \(target)"
      guard status != 403 else { continue }
      check.findings.append(
        AccessFinding(
          .open, "\(target) answers with \(status)",
          advice:
            "take the name off what leads in there, or set the route's exposure to \(zone.rawValue) where that is meant"
        ))
    }
  }

  /// Asks all name servers: devices ask any of those that they are given.
  private func look(_ check: inout NameCheck, mustBeThere: Bool) async throws(NodeWorkError) {
    for server in servers {
      var found: [String] = []
      var refusal: AccessFinding?
      for kind in NameQuestion.Kind.allCases {
        switch try await server.ask(check.name, kind, timeout: timeout) {
        case .addresses(let some)?: found += some
        case .noSuchName?: break
        case .refused(let code)?:
          refusal = AccessFinding(
            .nameServer, "the name server \(server) refuses to answer (code \(code))",
            advice: "let it answer for this network, and for the zone's domain")
        case nil:
          refusal = AccessFinding(
            .nameServer, "the name server \(server) does not answer",
            advice: "start it, or take it out of what DHCP announces")
        }
        if refusal != nil { break }
      }
      if let refusal {
        check.findings.append(refusal)
      } else if found.isEmpty, mustBeThere {
        check.findings.append(
          AccessFinding(
            .noSuchName, "the name server \(server) knows no address for it",
            advice:
              "enter \(address ?? "the reverse proxy's address") for it there; split-dns does it with the role dns"))
      }
      for address in found where !check.addresses.contains(address) { check.addresses.append(address) }
    }
  }
}

extension StackExposure {
  /// Whether a route of this exposure is for somebody in a zone: who may come from further away may come from nearer.
  public func admits(_ zone: StackExposure) -> Bool {
    switch self {
    case .lan: zone == .lan
    case .vpn: zone != .everywhere
    case .everywhere: true
    }
  }
}
