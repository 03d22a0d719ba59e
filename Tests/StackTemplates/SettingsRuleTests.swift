import StackSet
import StackTemplates
import Testing

@Suite("Rules of a machine's set")
struct SettingsRuleTests {
  struct Break: Sendable, CustomTestStringConvertible {
    var name: String
    var rule: StackRuleName
    var texts: [String] = [SampleStack.notes]
    var change: @Sendable (inout StackSettings) -> Void
    var testDescription: String { name }
  }

  static let breaks = [
    Break(name: "a stack that is none", rule: .dependency) { $0.stacks.append(.init("none")) },
    Break(name: "a stack twice", rule: .instanceUnique) { $0.stacks.append(SampleStack.instance("notes")) },
    Break(name: "no name", rule: .instanceUnique) {
      $0.stacks.append(SampleStack.instance("Notes_2", template: "notes"))
    },
    Break(name: "a name that REST servers need", rule: .instanceUnique) {
      $0.stacks.append(SampleStack.instance("locks", template: "notes"))
    },
    Break(
      name: "two of what runs once", rule: .instanceUnique,
      texts: [SampleStack.notes.replacing("  instances: true\n", with: "")]
    ) { $0.stacks.append(SampleStack.instance("notes-kids", template: "notes")) },
    Break(name: "two on one port", rule: .portPublished) {
      $0.stacks.append(SampleStack.instance("notes-kids", template: "notes"))
    },
    Break(name: "another architecture", rule: .architecture) { $0.architecture = "aarch64-linux" },
    Break(name: "no such parameter", rule: .parameter) { $0.stacks[0].parameters["size"] = .integer(1) },
    Break(name: "out of range", rule: .parameter) { $0.stacks[0].parameters["uploadLimit"] = .integer(0) },
    Break(name: "of another type", rule: .parameter) { $0.stacks[0].parameters["uploadLimit"] = .string("1") },
    Break(name: "no such choice", rule: .parameter) { $0.stacks[0].parameters["gpu"] = .string("amd") },
    Break(name: "no variable's name", rule: .parameter) { $0.stacks[0].environment["A B"] = "c" },
    Break(name: "a secret among the variables", rule: .secretLiteral) { $0.stacks[0].environment["API_TOKEN"] = "abc" },
    Break(name: "a secret's value", rule: .secretLiteral) { $0.stacks[0].secrets["DB_PASSWORD"] = "secret:Abc" },
    Break(name: "no such secret", rule: .secretUndeclared) { $0.stacks[0].secrets["OTHER"] = "secret:other" },
    Break(name: "a secret that nobody gave", rule: .secretUndeclared) { $0.stacks[0].secrets = [:] },
    Break(name: "an image that moves", rule: .imagePinned) { $0.stacks[0].images["web"] = "notes:latest" },
    Break(name: "an image of no service", rule: .imagePinned) { $0.stacks[0].images["wide"] = "notes:1.0" },
    Break(name: "a size that is none", rule: .parameter) { $0.stacks[0].sizes["pages"] = "20GB" },
    Break(name: "a size beyond all disks", rule: .parameter) { $0.stacks[0].sizes["pages"] = "1048575TiB" },
    Break(name: "a size of no volume", rule: .volumeUndeclared) { $0.stacks[0].sizes["page"] = "20GiB" },
    Break(name: "a size of what stacks share", rule: .volumeUndeclared) { $0.stacks[0].sizes["media"] = "20GiB" },
    Break(name: "a database on NFS", rule: .databaseOnNFS) {
      $0.fileSystems.append(.init(mountPoint: "/srv/db", type: "nfs4"))
    },
    Break(
      name: "media and downloads apart", rule: .mediaDownloadsOneFileSystem,
      texts: [SampleStack.notes.replacing("cache: { class: scratch", with: "cache: { class: downloads")]
    ) { $0.fileSystems.append(.init(mountPoint: "/srv/downloads", type: "ext4")) },
    Break(name: "a host that is none", rule: .routeNameUnique) { $0.stacks[0].host = "notes {\n}" },
    Break(name: "a domain that is none", rule: .routeNameUnique) { $0.access.lan = "lan example" },
    Break(name: "a network that is none", rule: .parameter) { $0.access.localNetworks = ["all }"] },
    Break(name: "no network at all", rule: .parameter) { $0.access.vpnNetworks = [] },
    Break(name: "a proxy without an address", rule: .parameter) { $0.access.proxyAddress = "proxy" },
    Break(name: "a login by a provider without https", rule: .parameter) {
      $0.access.login = SampleStack.login { $0.provider = "http://auth.example.com" }
    },
    Break(name: "a login that leads out of the configuration", rule: .parameter) {
      $0.access.login = SampleStack.login { $0.path = "/check }\n" }
    },
    Break(name: "a login at no address", rule: .parameter) {
      $0.access.login = SampleStack.login { $0.address = "auth:9091" }
    },
    Break(name: "a header that is none", rule: .parameter) {
      $0.access.login = SampleStack.login { $0.headers = ["Remote User"] }
    },
    Break(name: "a login for no route", rule: .parameter) {
      $0.access.login = SampleStack.login { $0.routes = ["photos"] }
    },
    Break(name: "a login before the provider itself", rule: .parameter) {
      $0.access.login = SampleStack.login { $0.provider = "https://notes.lan.example.com" }
    },
    Break(name: "an address for ACME that is none", rule: .parameter) {
      $0.access.certificate = .acme(email: "admin }", provider: "cloudflare")
    },
    Break(name: "a folder that leads up", rule: .volumeUndeclared) { $0.placement[.appdata] = "/srv/../etc" },
    Break(name: "a base that is none", rule: .owner) { $0.identity = .remapped(base: 0) },
    Break(name: "remapping with Podman", rule: .owner) {
      $0.identity = .remapped(base: 100_000)
      $0.engine = .podman
    },
    Break(name: "a route without a name", rule: .routeNameUnique) {
      $0.access.design = .caddy
      ($0.access.lan, $0.access.vpn) = (nil, nil)
    },
    Break(name: "a public route without a domain", rule: .routeNameUnique) {
      $0.access.design = .caddy
      $0.stacks[0].exposure = .everywhere
    },
    Break(
      name: "two with one name", rule: .routeNameUnique,
      texts: [
        SampleStack.notes,
        SampleStack.small(
          "other", described: "  routes: [{ name: notes, service: app, port: 80, scheme: http, exposure: lan }]"),
      ]
    ) { $0.stacks.append(.init("other")) },
    Break(
      name: "what is needed and not run", rule: .dependency, texts: [SampleStack.small("one", dependsOn: ["notes"])]
    ) { $0.stacks = [.init("one")] },
    Break(
      name: "a circle", rule: .dependency,
      texts: [SampleStack.small("one", dependsOn: ["two"]), SampleStack.small("two", dependsOn: ["one"])]
    ) { $0.stacks = [.init("one"), .init("two")] },
    Break(
      name: "two writers of one folder", rule: .owner,
      texts: ["one", "two"].map { name in
        SampleStack.small(
          name, extra: "    volumes: [\"media:/media\"]\n    x-healthcheck: image\nvolumes: { media: {} }",
          described: "  volumes: { media: { class: media, shared: true, owner: \"\(name == "one" ? 1 : 2):1\" } }")
      }
    ) { $0.stacks = [.init("one"), .init("two")] },
    Break(name: "a user of one stack that is none", rule: .owner) {
      $0.stacks[0].identity = .fixed(StackOwner(user: 65534, group: 568))
    },
    Break(
      name: "a user for images that let nobody choose", rule: .owner,
      texts: [SampleStack.notes.replacing("identity: fixed", with: "identity: image")]
    ) { $0.stacks[0].identity = .fixed(StackOwner(user: 568, group: 568)) },
    Break(name: "mapped users for one stack alone", rule: .owner) {
      $0.stacks[0].identity = .remapped(base: 100_000)
    },
    Break(name: "one secret in one stack for two users", rule: .owner, texts: [sharedSecret]) { _ in },
    Break(
      name: "one secret in two stacks for two users", rule: .owner,
      texts: ["one", "two"].map { reader($0, user: $0 == "one" ? 1000 : 1001) }, change: readers),
    Break(
      name: "one secret for mapped root and for a user beside the map", rule: .owner,
      texts: [reader("one", user: 0), reader("two", user: 1000)]
    ) {
      readers(&$0)
      $0.identity = .remapped(base: 100_000)
      $0.stacks[1].identity = .image
    },
    Break(
      name: "a stack's own folder that others share", rule: .instanceUnique,
      texts: [
        keeper("one", "pages", "class: appdata"), keeper("two", "all", "class: appdata, shared: true, path: one/pages"),
      ]
    ) { $0.stacks = [.init("one"), .init("two")] },
    Break(
      name: "a folder of stacks that others share", rule: .instanceUnique,
      texts: [
        keeper("one", "pages", "class: appdata"), keeper("two", "all", "class: appdata, shared: true, path: one"),
      ]
    ) { $0.stacks = [.init("one"), .init("two")] },
  ]

  static let sharedSecret = SampleStack.notes.replacing(
    "    secrets: [DATABASE_PASSWORD]\n", with: "    user: \"999:999\"\n    secrets: [DATABASE_PASSWORD, DB_PASSWORD]\n"
  )

  /// A stack whose one service reads the secret PASSWORD as a user.
  static func reader(_ name: String, user: Int) -> String {
    let number = user == 0 ? "" : "    user: \"\(user):\(user)\"\n"
    return SampleStack.small(
      name,
      extra: number
        + "    secrets: [PASSWORD]\nsecrets: { PASSWORD: { file: ./secrets/PASSWORD } }",
      described: "  secrets: { PASSWORD: { as: file, generate: { bytes: 24 }, description: Of both. } }")
  }

  /// Two stacks that are given one secret.
  static let readers: @Sendable (inout StackSettings) -> Void = { settings in
    settings.stacks = ["one", "two"].map { name in
      var instance = StackSettings.Instance(name)
      instance.secrets["PASSWORD"] = "secret:mail-server"
      return instance
    }
  }

  /// A stack that keeps data in one volume.
  static func keeper(_ name: String, _ volume: String, _ what: String) -> String {
    SampleStack.small(
      name,
      extra: "    volumes: [\"\(volume):/data\"]\n    x-healthcheck: image\nvolumes: { \(volume): {} }",
      described: "  volumes: { \(volume): { \(what), owner: \"0:0\", backup: false } }")
  }

  @Test("one secret in two stacks belongs to the one who is not root", arguments: [["one", "two"], ["two", "one"]])
  func agreed(_ names: [String]) throws {
    let set = try SampleStack.compile(
      SampleStack.settings(Self.readers), [Self.reader(names[0], user: 0), Self.reader(names[1], user: 1000)])
    #expect(set.stacks.flatMap(\.secrets).map(\.owner.user) == [1000, 1000])
  }

  @Test("what breaks one is refused with its name", arguments: breaks)
  func broken(_ one: Break) {
    let refusals = SampleStack.refused(SampleStack.settings(one.change), one.texts)
    #expect(refusals.contains { $0.rule == one.rule }, "\(refusals)")
    #expect(refusals.allSatisfy { $0.file == "machine.json" && $0.text.contains(where: { ";,:".contains($0) }) })
  }

  @Test("a database beside an NFS mount is none of its business")
  func localDatabase() {
    #expect(
      SampleStack.refused(
        SampleStack.settings {
          $0.fileSystems.append(.init(mountPoint: "/srv/media", type: "nfs4"))
          $0.fileSystems.append(.init(mountPoint: "/srv/dbx", type: "nfs4"))
        }
      ).isEmpty)
  }
}
