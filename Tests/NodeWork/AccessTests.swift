import Foundation
import NodeWork
import ProgramRunner
import StackSet
import Testing

@Suite(
  "Names of the routes, tried from their zones", .serialized,
  .enabled(if: AccessScene.isPossible, "nginx, dnsmasq, openssl, curl"))
struct AccessTests {
  private func route(
    _ name: String, exposure: StackExposure = .lan, names: [String]? = nil, login: String? = nil
  ) -> StackRoute {
    StackRoute(
      name: name, stack: name, service: "web", port: 8080, scheme: .http, exposure: exposure,
      names: names ?? ["\(name).lan.example.com"], upstream: "http://\(name)-web:8080", login: login)
  }

  private func set(_ routes: [StackRoute], _ scene: AccessScene, monitors: [StackMonitor] = []) -> StackSet {
    StackSet(
      machine: "node1", engine: .docker, directory: "/srv/stacks", networks: [], stacks: [], routes: routes, names: [],
      hub: HubConfiguration(), monitors: monitors,
      access: AccessExpectation(address: AccessScene.hub, nameServers: [scene.nameServer], signer: .authority))
  }

  private func report(
    _ set: StackSet, _ scene: AccessScene, from zone: StackExposure = .lan,
    change: (inout AccessCheck.Options) -> Void = { _ in }
  ) async throws -> AccessReport {
    var options = AccessCheck.Options()
    options.zone = zone
    options.source = zone == .lan ? AccessScene.inside : AccessScene.outside
    (options.port, options.plainPort, options.timeout) = (scene.port, scene.plainPort, 30)
    if zone == .everywhere {
      options.nameServers = NameServer(scene.nameServer).map { [$0] } ?? []
      options.authority = scene.authority
    }
    change(&options)
    return try await AccessCheck(set, options: options, runner: SubprocessRunner()).run()
  }

  @Test("A name that leads to the proxy, with a certificate of the house's authority, to a service at work is good")
  func good() async throws {
    let scene = try await AccessScene(
      [
        .init(
          name: "wiki.lan.example.com",
          action: "if ($uri = /health) { return 204; } return 500;"),
        .init(name: "photos.lan.example.com", action: "return 302 https://auth.example.com/authorize?client=photos;"),
      ],
      names: ["wiki.lan.example.com": AccessScene.hub, "photos.lan.example.com": AccessScene.hub])
    let monitor = StackMonitor(
      stack: "wiki", service: "web", type: .http, port: 8080, path: "/health", status: 204, command: nil)
    let set = set(
      [route("wiki"), route("photos", login: "https://auth.example.com")], scene, monitors: [monitor])
    let report = try await report(set, scene)
    #expect(report.findings == [])
    #expect(report.names.map(\.findings) == [[], []])
    #expect(report.names.map(\.addresses) == [[AccessScene.hub], [AccessScene.hub]])
    #expect(report.names.map(\.status) == [204, 302])
    let certificate = try #require(report.names.first?.certificate)
    #expect(certificate.issuerName == "Test House Authority")
    #expect(certificate.names == ["wiki.lan.example.com"])
    #expect((80...90).contains(certificate.daysLeft(now: Int(Date().timeIntervalSince1970))))
    #expect(report.text.contains("2 of 2 names are as they shall be, from lan"))
  }

  @Test("Routes that the settings name are tried too, also where the machine runs no stacks")
  func further() async throws {
    let scene = try await AccessScene(
      [
        .init(name: "wiki.lan.example.com"), .init(name: "git.lan.example.com"),
        .init(name: "tv.lan.example.com", action: "proxy_pass http://127.10.0.1:1;"),
      ],
      names: ["wiki", "git", "tv"].reduce(into: [:]) { $0["\($1).lan.example.com"] = AccessScene.hub })
    let list = AccessList(
      machine: "edge",
      access: AccessExpectation(address: AccessScene.hub, nameServers: [scene.nameServer], signer: .authority),
      routes: ["git", "tv"].map {
        .init(name: $0, names: ["\($0).lan.example.com"], exposure: .lan, upstream: "http://192.0.2.20:3000")
      })
    var options = AccessCheck.Options()
    options.source = AccessScene.inside
    (options.port, options.plainPort, options.timeout) = (scene.port, scene.plainPort, 30)
    let alone = try await AccessCheck(nil, further: list, options: options, runner: SubprocessRunner()).run()
    #expect(alone.machine == "edge" && alone.names.map(\.isGood) == [true, false])
    let finding = try #require(alone.names.last?.findings.first)
    #expect(finding.kind == .noService && finding.advice.contains("http://192.0.2.20:3000"))
    let both = try await AccessCheck(
      set([route("wiki")], scene), further: list, options: options, runner: SubprocessRunner()
    ).run()
    #expect(both.machine == "node1" && both.names.map(\.name).first == "wiki.lan.example.com")
    #expect(both.names.map(\.stack) == ["wiki", nil, nil] && both.names.map(\.isGood) == [true, true, false])
  }

  struct BadName: Sendable, CustomTestStringConvertible {
    var what: String
    var certificate = AccessScene.Site.Certificate.good
    var action = "return 200 'here';"
    var address: String? = AccessScene.hub
    var login: String?
    var kinds: [AccessFinding.Kind]
    var testDescription: String { what }
  }

  @Test(
    "What is wrong with a name is said, with what to do",
    arguments: [
      BadName(what: "no such name", address: nil, kinds: [.noSuchName]),
      BadName(what: "another address", address: "127.10.0.9", kinds: [.wrongAddress]),
      BadName(what: "an IPv6 address too", address: "\(AccessScene.hub),2001:db8::1", kinds: [.wrongAddress]),
      BadName(what: "an expired certificate", certificate: .expired, kinds: [.certificateExpired]),
      BadName(what: "a certificate that nobody renewed", certificate: .old, kinds: [.certificateOld]),
      BadName(what: "a certificate of another authority", certificate: .foreign, kinds: [.certificateIssuer]),
      BadName(what: "a certificate for another name", certificate: .otherName, kinds: [.certificateName]),
      BadName(what: "no service behind the proxy", action: "proxy_pass http://127.10.0.1:1;", kinds: [.noService]),
      BadName(what: "an error of the service", action: "return 500;", kinds: [.status]),
      BadName(what: "a network that is turned away", action: "return 403;", kinds: [.turnedAway]),
      BadName(what: "a connection that is dropped", action: "return 444;", kinds: [.turnedAway]),
      BadName(what: "no login", login: "https://auth.example.com", kinds: [.noLogin]),
      BadName(
        what: "a login elsewhere", action: "return 302 https://auth.example.com.evil.example.net/;",
        login: "https://auth.example.com",
        kinds: [.noLogin]),
    ])
  func bad(_ bad: BadName) async throws {
    let scene = try await AccessScene(
      [.init(name: "wiki.lan.example.com", certificate: bad.certificate, action: bad.action)],
      names: bad.address.map { ["wiki.lan.example.com": $0] } ?? [:])
    let report = try await report(set([route("wiki", login: bad.login)], scene), scene)
    #expect(report.names.flatMap(\.findings).map(\.kind) == bad.kinds)
    #expect(!report.isGood)
    #expect(report.text.contains("\n  do: "))
  }

  @Test("From outside, a name for the house must not answer, and a public one must")
  func outside() async throws {
    let scene = try await AccessScene(
      [
        .init(name: "closed.lan.example.com", isClosed: true), .init(name: "open.lan.example.com"),
        .init(name: "hidden.lan.example.com"), .init(name: "refused.lan.example.com", action: "return 403;"),
        .init(name: "site.example.com"),
      ],
      names: [
        "closed.lan.example.com": AccessScene.hub, "open.lan.example.com": AccessScene.hub,
        "refused.lan.example.com": AccessScene.hub, "site.example.com": AccessScene.hub,
      ])
    let set = set(
      [
        route("closed"), route("open", exposure: .vpn), route("hidden"), route("refused"),
        route("site", exposure: .everywhere, names: ["site.example.com"]),
      ], scene)
    let unknown = try await report(set, scene, from: .everywhere)
    #expect(unknown.names.map { $0.findings.map(\.kind) } == [[], [.open], [], [], []])
    #expect(unknown.names.map(\.found)[2] == "no such name")
    // Whoever knows the proxy's address needs no name server.
    let known = try await report(set, scene, from: .everywhere) { $0.address = AccessScene.hub }
    #expect(known.names.map { $0.findings.map(\.kind) } == [[], [.open], [.open], [], []])
    // The same from the house: all are for it, and the hidden one has no name.
    let inside = try await report(set, scene)
    #expect(inside.names.map { $0.findings.map(\.kind) } == [[], [], [.noSuchName], [.turnedAway], []])
  }

  @Test("From the VPN, what is for it answers, and what is for the house alone must not")
  func vpn() async throws {
    let scene = try await AccessScene(
      [.init(name: "wiki.lan.example.com", isClosed: true), .init(name: "notes.vpn.example.com", isClosed: true)],
      names: ["wiki.lan.example.com": AccessScene.hub, "notes.vpn.example.com": AccessScene.hub])
    let set = set([route("wiki"), route("notes", exposure: .vpn, names: ["notes.vpn.example.com"])], scene)
    let report = try await report(set, scene, from: .vpn) {
      $0.nameServers = NameServer(scene.nameServer).map { [$0] } ?? []
    }
    #expect(report.names.map { $0.findings.map(\.kind) } == [[], [.turnedAway]])
    #expect(report.names.last?.findings.first?.advice.contains("vpnNetworks") == true)
  }

  @Test("A service that answers beside the proxy, a proxy that is down, and a name server that is down are findings")
  func down() async throws {
    let scene = try await AccessScene(
      [.init(name: "wiki.lan.example.com")], names: ["wiki.lan.example.com": AccessScene.hub])
    var beside = route("wiki")
    beside.upstream = "http://127.0.0.1:\(scene.plainPort)"
    #expect(try await report(set([beside], scene), scene).findings.map(\.kind) == [.besideProxy])

    let free = try AccessScene.freePort(besides: [scene.port, scene.plainPort, scene.namePort])
    let noProxy = try await report(set([route("wiki")], scene), scene) { ($0.port, $0.plainPort) = (free, free) }
    #expect(noProxy.findings.map(\.kind) == [.noRootCertificate])
    #expect(noProxy.names.flatMap(\.findings).map(\.kind) == [.noConnection])

    let noNames = try await report(set([route("wiki")], scene), scene) {
      $0.nameServers = NameServer("127.10.0.53:\(free)").map { [$0] } ?? []
    }
    #expect(noNames.names.flatMap(\.findings).map(\.kind) == [.nameServer])
  }

  @Test("A set without names, an unknown name and a wrong address are refused before anything is asked")
  func refused() async throws {
    let scene = try await AccessScene([], names: [:])
    await #expect(throws: NodeWorkError.self) { try await report(set([], scene), scene) }
    await #expect(throws: NodeWorkError.self) {
      try await report(set([route("wiki")], scene), scene) { $0.names = ["photos.lan.example.com"] }
    }
    await #expect(throws: NodeWorkError.self) {
      try await report(set([route("wiki")], scene), scene) { $0.address = "hub" }
    }
  }
}

@Suite("Answers of name servers")
struct NameQuestionTests {
  static let question = NameQuestion(identifier: 0x1234, name: "wiki.example.com", kind: .ipv4)

  /// An alias and what it leads to, with pointers, as name servers send it.
  static let aliased: [UInt8] =
    [0x12, 0x34, 0x81, 0x80, 0, 1, 0, 2, 0, 0, 0, 0] + [4] + Array("wiki".utf8) + [7] + Array("example".utf8) + [3]
    + Array("com".utf8) + [0, 0, 1, 0, 1]
    + [0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 6, 3] + Array("hub".utf8) + [0xc0, 17]
    + [0xc0, 46, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 10]

  @Test("An alias is followed to its address, which is in the same answer")
  func alias() {
    #expect(Self.question.answer(in: Self.aliased) == .addresses(["192.0.2.10"]))
  }

  @Test("No cut or changed answer is taken for another, or ends the program")
  func hostile() {
    for length in 0..<Self.aliased.count {
      #expect(Self.question.answer(in: Array(Self.aliased[..<length])) == nil)
    }
    var other = Self.question
    other.identifier = 0x1235
    #expect(other.answer(in: Self.aliased) == nil)
    other = Self.question
    other.name = "wiki.example.net"
    #expect(other.answer(in: Self.aliased) == nil)
    for position in Self.aliased.indices {
      for byte: UInt8 in [0, 0x3f, 0xc0, 0xff] {
        var changed = Self.aliased
        changed[position] = byte
        if case .addresses(let found)? = Self.question.answer(in: changed) { #expect(found.count <= 2) }
      }
    }
  }

  @Test("A code is told from a name that is not there", arguments: [(UInt8(3), true), (5, false), (2, false)])
  func codes(code: UInt8, isMissing: Bool) {
    var bytes = Self.aliased
    bytes[3] = 0x80 | code
    #expect(Self.question.answer(in: bytes) == (isMissing ? .noSuchName : .refused(code: code)))
  }

  @Test("Names that are none are not asked for", arguments: ["", ".", "a..b", String(repeating: "a", count: 64)])
  func names(name: String) {
    #expect(NameQuestion(identifier: 1, name: name, kind: .ipv6).encoded() == nil)
  }

  @Test(
    "Name servers are addresses, with a port where it is another",
    arguments: [
      ("192.0.2.1", "192.0.2.1"), ("192.0.2.1:5353", "192.0.2.1:5353"), ("[2001:db8::1]:53", "2001:db8::1"),
      ("2001:db8::1", "2001:db8::1"), ("dns.example.com", nil), ("192.0.2.1:0", nil), ("[2001:db8::1", nil),
    ])
  func servers(text: String, expected: String?) {
    #expect(NameServer(text)?.description == expected)
  }
}
