import Foundation
import StackCatalogue
import StackSet
import StackTemplates
import Testing

@Suite("The example fleets are complete")
struct ExampleTests {
  /// What each of the five runs today and the catalogue has, by template.
  static let services: [String: Set<String>] = [
    "cluster": ["databases", "git", "home-automation", "object-storage", "passwords", "photos"],
    "mac-cabinet": ["files", "media", "music", "nginx-proxy-manager", "photos"],
    "media-tower": [
      "ai", "arr", "cloudflared", "dashboard", "downloads", "home-automation", "logs", "media", "media-requests",
      "metrics", "nginx-proxy-manager", "photos", "portainer", "uptime", "weblog",
    ],
    "rack": [
      "adguardhome-sync", "arr", "audiobooks", "authentik", "beszel", "beszel-agent", "books", "cloudflared",
      "dashboard", "dockman", "downloads", "flaresolverr", "maintainerr", "media-requests", "photos", "plex",
      "profilarr", "radarr", "shelfmark", "sonarr", "tautulli", "traefik", "uptime",
    ],
    "three-disks": ["caddy-hub", "git", "photos"],
  ]

  /// Volumes that no archive of their machine holds, and why. One that is not needed any more has to go.
  static let uncopied: [String: String] = [
    "mac-cabinet/services/photos/library": "on the cabinet's NFS, of which the guest can make no snapshot",
    "rack/docker-01/books/library": "on the NAS by NFS, of which this machine can make no snapshot",
    "rack/photos-01/photos/library": "on the NAS by NFS; its pool has snapshots of its own there",
  ]

  @Test("Each fleet has what its user runs, and all of it compiles", arguments: ExampleFleet.names)
  func compile(_ name: String) throws {
    let fleet = try ExampleFleet.read(name)
    let wanted = try #require(Self.services[name], "say in this table what \(name) runs")
    #expect(Set(fleet.machines.flatMap(\.set.stacks).map(\.template)) == wanted)
    for machine in fleet.machines {
      #expect(machine.set.stacks.map(\.name).sorted() == machine.file.stacks.sorted(), "\(machine.name)")
    }
  }

  @Test("The examples are those of the table") func table() {
    #expect(ExampleFleet.names == Self.services.keys.sorted())
  }

  @Test("Each route has names, which lead to the fleet's one proxy", arguments: ExampleFleet.names)
  func names(_ name: String) throws {
    let fleet = try ExampleFleet.read(name)
    for machine in fleet.machines {
      for route in machine.set.routes { #expect(!route.names.isEmpty, "\(machine.name): \(route.name)") }
      #expect(Self.proxies(machine).count <= 1, "\(machine.name): \(Self.proxies(machine))")
    }
    let proxies = fleet.machines.filter { !Self.proxies($0).isEmpty }
    #expect(proxies.count == 1)
    #expect(Set(fleet.names.map(\.name)).count == fleet.names.count, "two routes have one name")
    for (name, address) in fleet.names {
      let proxy = try #require(address, "\(name) leads nowhere")
      #expect(proxies.first?.file.addresses.contains(proxy) == true, "\(name) leads to \(proxy), where no proxy is")
      #expect(fleet.answers(for: name) == [proxy], "what the name servers answer for \(name)")
    }
  }

  /// Stacks and designs of a machine that want its ports 80 and 443.
  private static func proxies(_ machine: ExampleFleet.Machine) -> [String] {
    let access = machine.file.settings?.access
    let designs = [
      ("access.caddy-hub", access?.caddy), ("access.traefik", access?.traefik),
      ("access.nginx-proxy-manager", access?.nginxProxyManager),
    ].filter { $0.1?.enable == true }.map(\.0)
    let known = Set(HubConfiguration.Design.allCases.map(\.rawValue))
    return designs + machine.set.stacks.map(\.template).filter(known.contains)
      + machine.file.roles.filter { $0 == "edge" }
  }

  @Test("The proxy reaches each service", arguments: ExampleFleet.names)
  func upstreams(_ name: String) throws {
    let fleet = try ExampleFleet.read(name)
    let proxy = try #require(fleet.machines.first { !Self.proxies($0).isEmpty })
    for machine in fleet.machines {
      for route in machine.set.routes {
        let label = Comment(rawValue: "\(machine.name): \(route.name) at \(route.upstream)")
        let upstream = try #require(URL(string: route.upstream), label)
        let stack = try #require(machine.set.stacks.first { $0.name == route.stack }, label)
        let services = try ExampleCompose(stack.compose).services
        #expect(
          services.contains { $0.value.answers(upstream, to: route, as: $0.key, on: machine.file.addresses) }, label)
        // By itself: a failure would print the whole configuration.
        let leads = Self.leads(proxy.set.hub, by: route.names, to: upstream)
        #expect(leads, label)
        guard machine.name != proxy.name else { continue }
        // The proxy is on another machine, whose settings name the way.
        let typed = try #require(proxy.file.settings?.access?.routes?[route.name], label)
        #expect(typed.upstream == route.upstream)
        #expect((typed.exposure ?? "lan") == route.exposure.rawValue, label)
        #expect(typed.host ?? route.name == route.names.first?.split(separator: ".").first.map(String.init), label)
      }
    }
    // And none leads to a service that is no more, or was never published.
    let published = Set(fleet.machines.filter { $0.name != proxy.name }.flatMap(\.set.routes).map(\.upstream))
    for machine in fleet.machines {
      for (name, route) in machine.file.settings?.access?.routes ?? [:] {
        #expect(published.contains(route.upstream), "\(machine.name): access.routes.\(name)")
      }
    }
  }

  /// Whether the proxy's own configuration has the way.
  private static func leads(_ hub: HubConfiguration, by names: [String], to upstream: URL) -> Bool {
    if let caddyfile = hub.caddyfile {
      return caddyfile.contains("\n\(names.joined(separator: ", ")) {\n")
        && caddyfile.contains("reverse_proxy \(upstream.absoluteString)\n")
    }
    if let traefik = hub.traefik {
      return names.allSatisfy { traefik.contains("Host(`\($0)`)") }
        && traefik.contains("\"url\":\"\(upstream.absoluteString)\"")
    }
    return (hub.hosts ?? []).contains {
      $0.domainNames == names && $0.forwardHost == upstream.host && $0.forwardPort == upstream.port
    }
  }

  @Test("All data of each stack is in archives that a rebuild restores from", arguments: ExampleFleet.names)
  func archives(_ name: String) throws {
    let fleet = try ExampleFleet.read(name)
    var uncopied: Set<String> = []
    for machine in fleet.machines {
      for stack in machine.set.stacks {
        let volumes = stack.volumes.filter(\.isBackedUp)
        guard !volumes.isEmpty || !stack.backup.dump.isEmpty else { continue }
        let label = Comment(rawValue: "\(name)/\(machine.name)/\(stack.name)")
        // As a rebuild chooses: the first of these that holds the stack.
        let plan = try #require(Self.plans(machine.file).first { $0.holds(stack) }, label)
        try Self.check(plan, of: machine.file, in: fleet)
        let copied = volumes.filter { plan.classes?.contains($0.class.rawValue) ?? true }
        #expect(volumes.isEmpty || !copied.isEmpty, label)
        for volume in copied {
          let place = machine.file.place(of: volume.path)
          #expect([.thin, .zfs].contains(place), "\(label) \(volume.path) has no snapshots")
        }
        for volume in volumes where !copied.contains(volume) {
          // What is left out stays where it is when the machine dies.
          #expect(machine.file.place(of: volume.path) == .network, "\(label) \(volume.path)")
          uncopied.insert("\(name)/\(machine.name)/\(stack.name)/\(volume.name)")
        }
      }
    }
    #expect(uncopied == Set(Self.uncopied.keys.filter { $0.hasPrefix(name + "/") }))
  }

  private struct Plan {
    var design: String
    var stacks: [String]?
    var classes: [String]?
    var repository: ExampleMachine.Backup.Repository?
    func holds(_ stack: CompiledStack) -> Bool {
      let needed = stack.volumes.filter(\.isBackedUp).map(\.class.rawValue)
      if design == "b2-offsite" { return !needed.isEmpty && needed.allSatisfy { classes?.contains($0) == true } }
      return stacks?.contains(stack.name) ?? true
    }
  }

  private static func plans(_ machine: ExampleMachine) -> [Plan] {
    let backup = machine.settings?.backup
    let designs = [
      ("borg-per-service", backup?.borg), ("restic-rest", backup?.restic), ("b2-offsite", backup?.offsite),
    ]
    return designs.compactMap { design, chosen in
      guard let chosen, chosen.enable == true else { return nil }
      return Plan(
        design: design, stacks: chosen.stacks,
        // The module's own default.
        classes: chosen.classes ?? (design == "b2-offsite" ? ["photos", "appdata"] : nil),
        repository: chosen.repository.flatMap { backup?.repositories?[$0] })
    }
  }

  /// The repository is there, of the program's kind, and elsewhere than the data; a machine of the fleet takes the copies.
  private static func check(_ plan: Plan, of machine: ExampleMachine, in fleet: ExampleFleet) throws {
    guard plan.design != "b2-offsite" else { return }
    let repository = try #require(plan.repository, "\(machine.name): \(plan.design) names no repository")
    #expect(repository.type == (plan.design == "borg-per-service" ? "borg" : "restic"))
    if repository.url.hasPrefix("/") {
      // Another disk than the system's and the stacks'.
      #expect(machine.place(of: repository.url) == .zfs)
      return
    }
    guard
      let target = fleet.machines.first(where: { other in
        other.file.addresses.contains { repository.url.contains("//\($0)") || repository.url.contains("@\($0)") }
      })
    else { return }
    #expect(target.name != machine.name, "\(machine.name) keeps its copies itself")
    #expect(target.file.roles.contains("backup-target"), "\(target.name)")
    let role = target.file.settings?.roles?.target
    if plan.design == "borg-per-service" {
      #expect(role?.borg?[machine.name]?.appendKeys?.isEmpty == false, "\(target.name) knows no key of \(machine.name)")
    } else {
      #expect(role?.restic?.enable == true, "\(target.name)")
    }
  }

  @Test("Owners of data are those that the engine maps users to", arguments: ExampleFleet.names)
  func users(_ name: String) throws {
    for machine in try ExampleFleet.read(name).machines where !machine.set.stacks.isEmpty {
      // The role's own default.
      let isMapped = machine.file.settings?.roles?.docker?.userNamespace?.enable ?? true
      #expect(isMapped == (machine.file.settings?.stacks?.identity?.policy == "userns-remap"), "\(machine.name)")
    }
  }
}
