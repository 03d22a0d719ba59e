import FoundationEssentials
import StackSet
import StackTemplates
import Testing

@Suite("What stacks are compiled to")
struct CompilerTests {
  /// Fields of a compiled service.
  struct Service: Decodable {
    struct Mount: Decodable {
      var type: String
      var source: String
      var target: String
      var read_only: Bool?
    }
    struct Deploy: Decodable {
      struct Resources: Decodable {
        struct Reservations: Decodable {
          struct Device: Decodable {
            var driver: String
            var capabilities: [String]
          }
          var devices: [Device]
        }
        var reservations: Reservations
      }
      var resources: Resources
    }
    var image: String
    var user: String?
    var userns_mode: String?
    var restart: String
    var environment: [String: String]?
    var volumes: [Mount]?
    var devices: [String]?
    var deploy: Deploy?
    var secrets: [String]?
  }
  struct File: Decodable {
    struct Network: Decodable {
      var name: String
      var external: Bool?
    }
    struct Source: Decodable { var file: String }
    var name: String
    var services: [String: Service]
    var networks: [String: Network]
    var secrets: [String: Source]
    var configs: [String: Source]
  }

  static func file(_ set: StackSet, _ name: String = "notes") throws -> File {
    let stack = try #require(set.stacks.first { $0.name == name })
    return try JSONDecoder().decode(File.self, from: Data(stack.compose.utf8))
  }

  @Test("volumes become folders of their class, secrets files of the node, variables values")
  func whole() throws {
    let set = try SampleStack.compile(
      SampleStack.settings {
        $0.placement[.appdata] = "/data/app"
        $0.timeZone = "Europe/Vienna"
        $0.stacks[0].parameters["uploadLimit"] = .integer(100)
        $0.stacks[0].environment["LANG"] = "a$b"
        $0.stacks[0].secrets["DB_PASSWORD"] = "secret:notes-database"
      })
    let file = try Self.file(set)
    let web = try #require(file.services["web"])
    #expect(web.volumes?.map(\.source) == ["/data/app/notes/pages", "/srv/scratch/notes/cache", "/srv/media/books"])
    #expect(web.volumes?.map(\.target) == ["/data", "/cache", "/media"])
    #expect(web.volumes?.map(\.read_only) == [nil, nil, true])
    #expect(web.volumes?.allSatisfy { $0.type == "bind" } == true)
    #expect(web.environment?["TZ"] == "Europe/Vienna")
    #expect(web.environment?["LIMIT"] == "100")
    #expect(web.environment?["PRICE"] == "5$$")
    #expect(web.environment?["LANG"] == "a$$b")
    #expect(web.environment?["MAIL_TOKEN"] == "${MAIL_TOKEN:?set it}")
    #expect(web.restart == "unless-stopped")
    #expect(file.networks["default"]?.name == "bootstead-notes")
    #expect(file.secrets["DB_PASSWORD"]?.file == "/run/bootstead/secrets/notes-database")
    #expect(file.secrets["DATABASE_PASSWORD"]?.file == "/run/bootstead/secrets/notes-database-password")
    #expect(file.secrets["MAIL_TOKEN"] == nil)
    #expect(file.configs["zones"]?.file == "/srv/stacks/notes/zones.conf")
    let stack = try #require(set.stacks.first)
    #expect(stack.configurations == SampleStack.files)
    #expect(stack.volumes.first { $0.name == "pages" }?.size == 20 << 30)
    #expect(stack.volumes.filter(\.isBackedUp).map(\.name) == ["pages", "database"])
    #expect(stack.backup.quiesce == .dump)
    #expect(stack.backup.dump.first?.output == "database.dump")
    #expect(stack.secrets.map(\.delivery) == [.file, .file, .environment])
    #expect(stack.secrets.map { $0.generate?.encoding } == [.hex, .base64, nil])
    #expect(stack.isKubernetesCandidate)
    #expect(set.monitors.map(\.stack) == ["notes"])
  }

  @Test("the same input makes the same bytes, and they are read back")
  func golden() throws {
    let first = try SampleStack.compile(SampleStack.settings()).encoded()
    #expect(try SampleStack.compile(SampleStack.settings()).encoded() == first)
    #expect(try StackSet(first).encoded() == first)
    let small = try SampleStack.compile(
      SampleStack.settings { $0.stacks = [.init("one")] }, [SampleStack.small("one")])
    #expect(
      small.stacks.first?.compose == """
        {"name":"one","networks":{"default":{"name":"bootstead-one"}},"services":{"app":{"image":\
        "registry.example.com/one:1.0","logging":{"driver":"json-file","options":{"max-file":"3","max-size":"10m"}},\
        "restart":"unless-stopped"}}}
        """)
  }

  @Test("the digest changes with what is compiled, and with nothing else")
  func digest() throws {
    func digest(_ change: (inout StackSettings) -> Void) throws -> String? {
      try SampleStack.compile(SampleStack.settings(change)).stacks.first?.digest
    }
    let plain = try digest { _ in }
    #expect(try digest { $0.machine = "node2" } == plain)
    #expect(try digest { $0.stacks[0].parameters["uploadLimit"] = .integer(1) } != plain)
    #expect(try digest { $0.placement[.db] = "/srv/other" } != plain)
    #expect(try digest { $0.stacks[0].secrets["DB_PASSWORD"] = "secret:other" } != plain)
  }

  @Test("bytes that are no set are refused")
  func noSet() {
    #expect(throws: StackSetError.self) { try StackSet(Array("{}".utf8)) }
    #expect(throws: StackSetError.version(2)) { try StackSet(Array(#"{"schema":2}"#.utf8)) }
  }

  @Test("one fixed user: what names the template's own user is his, databases keep theirs")
  func fixedUser() throws {
    let set = try SampleStack.compile(
      SampleStack.settings { $0.identity = .fixed(StackOwner(user: 2000, group: 2001)) })
    let volumes = try #require(set.stacks.first).volumes
    let file = try Self.file(set)
    #expect(file.services["web"]?.user == "2000:2001")
    #expect(file.services["database"]?.user == nil)
    #expect(volumes.first { $0.name == "pages" }?.owner == StackOwner(user: 2000, group: 2001))
    #expect(volumes.first { $0.name == "database" }?.owner == StackOwner(user: 999, group: 999))
    #expect(set.stacks.first?.secrets.first?.owner == StackOwner(user: 2000, group: 2001))
  }

  @Test("one fixed user: PUID and PGID where an image takes these")
  func fixedVariables() throws {
    let text = SampleStack.notes.replacing("    user: \"1000:1000\"\n", with: "")
      .replacing("      PRICE: \"5$$\"", with: "      PUID: \"1000\"\n      PGID: \"1000\"")
    let set = try SampleStack.compile(
      SampleStack.settings { $0.identity = .fixed(StackOwner(user: 568, group: 568)) }, [text])
    let web = try #require(try Self.file(set).services["web"])
    #expect(web.user == nil)
    #expect(web.environment?["PUID"] == "568")
    #expect(web.environment?["PGID"] == "568")
    #expect(set.stacks.first?.volumes.first?.owner == StackOwner(user: 568, group: 568))
  }

  @Test("a stack is excepted from whom the others run as")
  func exception() throws {
    let fixed = try SampleStack.compile(
      SampleStack.settings {
        $0.identity = .fixed(StackOwner(user: 2000, group: 2000))
        $0.stacks[0].identity = .fixed(StackOwner(user: 568, group: 569))
      })
    #expect(try Self.file(fixed).services["web"]?.user == "568:569")
    #expect(fixed.stacks.first?.volumes.first { $0.name == "pages" }?.owner == StackOwner(user: 568, group: 569))
    let own = try SampleStack.compile(
      SampleStack.settings {
        $0.identity = .fixed(StackOwner(user: 2000, group: 2000))
        $0.stacks[0].identity = .image
      })
    #expect(try Self.file(own).services["web"]?.user == "1000:1000")
    let unmapped = try SampleStack.compile(
      SampleStack.settings {
        $0.identity = .remapped(base: 100_000)
        $0.stacks[0].identity = .image
      })
    #expect(try Self.file(unmapped).services.values.map(\.userns_mode) == ["host", "host", "host"])
    #expect(unmapped.stacks.first?.volumes.map(\.owner.user) == [1000, 1000, 1000, 999])
  }

  @Test("a machine's size of a volume comes before the template's, and is told apart from it")
  func sizes() throws {
    let set = try SampleStack.compile(SampleStack.settings { $0.stacks[0].sizes = ["database": "2TiB"] })
    let volumes = try #require(set.stacks.first).volumes
    #expect(volumes.first { $0.name == "database" }?.size == 2 << 40)
    #expect(volumes.first { $0.name == "database" }?.isSizeSet == true)
    #expect(volumes.first { $0.name == "pages" }?.size == 20 << 30)
    #expect(volumes.first { $0.name == "pages" }?.isSizeSet == nil)
  }

  @Test("remapped users are seen above their base, those of the machine's own network are not")
  func remapped() throws {
    let set = try SampleStack.compile(SampleStack.settings { $0.identity = .remapped(base: 100_000) })
    let stack = try #require(set.stacks.first)
    #expect(stack.volumes.map(\.owner.user) == [101_000, 101_000, 101_000, 100_999])
    #expect(stack.secrets.map(\.owner.user) == [101_000, 100_000, 0])
    #expect(try Self.file(set).services["web"]?.userns_mode == nil)
    let text = SampleStack.notes
      .replacing(
        "    ports: [\"53:53/udp\"]",
        with: "    network_mode: host\n    volumes: [\"cache:/cache\"]\n    x-healthcheck: image"
      )
      .replacing("\"cache:/cache\", ", with: "").replacing("candidate: true", with: "candidate: false")
      .replacing(
        "  backup:\n",
        with: "    - { service: names, what: host network, reason: It answers on all addresses. }\n  backup:\n")
    let host = try SampleStack.compile(SampleStack.settings { $0.identity = .remapped(base: 100_000) }, [text])
    #expect(try Self.file(host).services["names"]?.userns_mode == "host")
    #expect(host.stacks.first?.volumes.first { $0.name == "cache" }?.owner == StackOwner(user: 1000, group: 1000))
  }

  @Test("the image's own users stay")
  func image() throws {
    let stack = try #require(try SampleStack.compile(SampleStack.settings()).stacks.first)
    #expect(stack.volumes.map(\.owner.user) == [1000, 1000, 1000, 999])
  }

  @Test(
    "graphics",
    arguments: [("nvidia", ContainerEngine.docker), ("dri", .docker), ("nvidia", .podman), ("none", .docker)])
  func graphics(_ choice: String, _ engine: ContainerEngine) throws {
    let set = try SampleStack.compile(
      SampleStack.settings {
        $0.engine = engine
        $0.stacks[0].parameters["gpu"] = .string(choice)
      })
    let file = try Self.file(set)
    let web = try #require(file.services["web"])
    let reserved = web.deploy?.resources.reservations.devices.map(\.driver)
    switch (choice, engine) {
    case ("nvidia", .docker): #expect(reserved == ["nvidia"] && web.devices?.count == 1)
    case ("nvidia", .podman): #expect(web.devices?.last == "nvidia.com/gpu=all" && reserved == nil)
    case ("dri", _): #expect(web.devices?.last == "/dev/dri:/dev/dri")
    default: #expect(web.devices?.count == 1 && reserved == nil)
    }
    #expect(file.services["database"]?.devices == nil)
  }

  @Test("an image can be pinned otherwise")
  func images() throws {
    let set = try SampleStack.compile(
      SampleStack.settings { $0.stacks[0].images["web"] = "mirror.example.com/notes:1.5" })
    #expect(try Self.file(set).services["web"]?.image == "mirror.example.com/notes:1.5")
  }

  @Test("two of one stack share nothing")
  func instances() throws {
    let text = SampleStack.notes.replacing("    ports: [\"53:53/udp\"]\n", with: "")
      .replacing(
        "  ports:\n    - { service: names, port: 53, protocol: udp, kind: dns, reason: Names are asked for there. }\n",
        with: "")
    let set = try SampleStack.compile(
      SampleStack.settings { $0.stacks.append(SampleStack.instance("notes-kids", template: "notes")) }, [text])
    #expect(set.stacks.map(\.name) == ["notes", "notes-kids"])
    #expect(Set(set.routes.map(\.name)) == ["notes", "notes-api", "notes-kids", "notes-kids-api"])
    #expect(Set(set.routes.flatMap(\.names)).count == set.routes.flatMap(\.names).count)
    let own = set.stacks.map { Set($0.volumes.filter { !$0.isShared }.map(\.path)) }
    #expect(own[0].isDisjoint(with: own[1]))
    #expect(
      Set(set.stacks[0].secrets.dropLast().map(\.path)).isDisjoint(with: set.stacks[1].secrets.dropLast().map(\.path)))
    #expect(try Self.file(set, "notes-kids").networks["default"]?.name == "bootstead-notes-kids")
  }

  @Test("stacks start after what they need, then by their order")
  func order() throws {
    let texts = [
      SampleStack.small("web", order: 30), SampleStack.small("base", order: 50),
      SampleStack.small("app", order: 20, dependsOn: ["base"]), SampleStack.small("dns", order: 10),
    ]
    let set = try SampleStack.compile(
      SampleStack.settings { $0.stacks = ["web", "base", "app", "dns"].map { .init($0) } }, texts)
    #expect(set.stacks.map(\.name) == ["dns", "web", "base", "app"])
    #expect(set.stacks.last?.dependsOn == ["base"])
  }

  @Test("no secret is in anything that is compiled, only names")
  func secrets() throws {
    let set = try SampleStack.compile(
      SampleStack.settings { $0.stacks[0].secrets["DB_PASSWORD"] = "secret:notes-database" })
    let text = String(decoding: try set.encoded(), as: UTF8.self)
    #expect(text.contains("secret:notes-database"))
    let refused = SampleStack.refused(SampleStack.settings { $0.stacks[0].secrets["DB_PASSWORD"] = "hunter22hunter22" })
    #expect(refused.map(\.rule) == [.secretLiteral])
    #expect(!refused.map(\.description).joined().contains("hunter22"))
  }
}
