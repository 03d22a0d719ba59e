import StackTemplates
import Testing

@Suite("Rules of a template")
struct RuleTests {
  /// A change of the sample that breaks one rule.
  struct Break: Sendable, CustomTestStringConvertible {
    var rule: StackRuleName
    var from: String
    var to: String
    /// A text on the line that is refused; nil: the line of `to`.
    var at: String?

    init(_ rule: StackRuleName, _ from: String, _ to: String, at: String? = nil) {
      (self.rule, self.from, self.to, self.at) = (rule, from, to, at)
    }

    var testDescription: String { "\(rule.rawValue): \(to)" }
  }

  static let breaks = [
    Break(.composeField, "    restart: always", "    restart: always\n    build: .", at: "build: ."),
    Break(.composeField, "    restart: always", "    container_name: names", at: "container_name"),
    Break(.composeField, "    restart: always", "    restarts: always", at: "restarts"),
    Break(.composeField, "name: notes\n", "name: notes\nversion: \"3\"\n", at: "version"),
    Break(.composeField, "{ database: { condition: service_healthy } }", "{ base: { condition: service_healthy } }"),
    Break(.composeField, "[{ source: zones, target: /etc/zones }]", "[zone]"),
    Break(.composeField, "./zones.conf", "../zones.conf"),
    Break(.composeField, "pages: {}, cache", "pages: { driver: local }, cache"),
    Break(.composeField, "TZ: \"${TZ:-Etc/UTC}\"", "TZ: \"${TZ\""),
    Break(.schema, "  schema: 1", "  schema: 2"),
    Break(.schema, "  function: notes\n", "", at: "schema: 1"),
    Break(.schema, "  instances: true", "  instances: many"),
    Break(.schema, "  order: 70", "  ordre: 70", at: "ordre"),
    Break(.schema, "class: appdata", "class: data"),
    Break(.schema, "as: environment, ask: true", "as: environment"),
    Break(.nameMatchesFolder, "name: notes\n", "name: note\n", at: "name: note"),
    Break(.imagePinned, "notes:1.4.2", "notes:latest"),
    Break(.imagePinned, "notes:1.4.2", "notes:1"),
    Break(.imagePinned, "notes:1.4.2", "notes"),
    Break(.imagePinned, "names:2.0", "names:v2-stable"),
    Break(.imagePinned, "@sha256:0123", "@sha256:zzzz"),
    Break(.portPublished, "[\"53:53/udp\"]", "[\"53:53/udp\", \"8080:80\"]"),
    Break(.portPublished, "[\"53:53/udp\"]", "[\"53:53/tcp\"]"),
    Break(.portPublished, "[\"53:53/udp\"]", "[\"53/udp\"]"),
    Break(
      .portPublished, "    user: \"1000:1000\"", "    user: \"1000:1000\"\n    network_mode: host",
      at: "network_mode: host"),
    Break(.portPublished, "port: 53, protocol: udp", "port: 54, protocol: udp"),
    Break(.portPublished, "{ service: names, port: 53", "{ service: web, port: 53"),
    Break(.healthCheck, "    x-healthcheck: image\n", "", at: "database:"),
    Break(.healthCheck, "x-healthcheck: image", "healthcheck: { disable: true }"),
    Break(.secretLiteral, "DB_PASSWORD_FILE: /run/secrets/DB_PASSWORD", "DB_PASSWORD: hunter22"),
    Break(.secretLiteral, "PRICE: \"5$$\"", "NOTE: \"ghp_0123456789abcdefghijABCDEFGHIJ\""),
    Break(.secretLiteral, "PRICE: \"5$$\"", "NOTE: 0123456789abcdef0123456789abcdef"),
    Break(.secretLiteral, "    restart: always", "    command: [serve, --admin-password=abc]"),
    Break(.secretLiteral, "    restart: always", "    labels: { api-key: abc }"),
    Break(.secretLiteral, "[pg_dump, -Fc, notes]", "[pg_dump, --password=abc, notes]"),
    Break(.secretLiteral, "    restart: always", "    command: [serve, \"${MAIL_TOKEN:?set it}\"]"),
    Break(.secretUndeclared, "secrets: [DB_PASSWORD]", "secrets: [DB_PASSWORD, OTHER]"),
    Break(.secretUndeclared, "{ file: ./secrets/DB_PASSWORD }", "{ file: ./DB_PASSWORD }"),
    Break(.secretUndeclared, "${MAIL_TOKEN:?set it}", "${MAIL_TOKEN:-abc}"),
    Break(.secretUndeclared, "PRICE: \"5$$\"", "API_TOKEN: \"${API_TOKEN:?set it}\""),
    Break(.secretUnused, "      MAIL_TOKEN: \"${MAIL_TOKEN:?set it}\"\n", "", at: "MAIL_TOKEN: { as"),
    Break(.secretUnused, "    secrets: [DB_PASSWORD]\n", "", at: "DB_PASSWORD: { file"),
    Break(.volumeUndeclared, "cache:/cache", "caches:/cache"),
    Break(.volumeUndeclared, "\"cache:/cache\"", "\"cache:/cache\", \"/more\""),
    Break(.volumeUndeclared, "    cache: { class: scratch, owner: \"1000:1000\" }\n", "", at: "volumes: { pages"),
    Break(.volumeUnused, "\"cache:/cache\", ", "", at: "volumes: { pages"),
    Break(
      .volumeUnused, "    cache: { class: scratch",
      "    gone: { class: scratch, owner: \"0:0\" }\n    cache: { class: scratch", at: "gone:"),
    Break(.bindMount, "\"cache:/cache\"", "\"cache:/cache\", \"/etc/passwd:/etc/passwd:ro\""),
    Break(.bindMount, "\"cache:/cache\"", "\"cache:/cache\", \"./data:/more\""),
    Break(.bindMount, "\"cache:/cache\"", "\"cache:/cache\", \"/etc/localtime:/etc/localtime\""),
    Break(.owner, "cache: { class: scratch, owner: \"1000:1000\" }", "cache: { class: scratch }"),
    Break(.owner, "class: db, owner: \"999:999\"", "class: db, owner: postgres"),
    Break(.owner, "    user: \"1000:1000\"\n", "", at: "schema: 1"),
    Break(.privilegeReason, "    restart: always", "    privileged: true"),
    Break(.privilegeReason, "    restart: always", "    cap_add: [NET_ADMIN]"),
    Break(.privilegeReason, "    restart: always", "    volumes: [\"/var/run/docker.sock:/var/run/docker.sock:ro\"]"),
    Break(.privilegeReason, "    restart: always", "    pid: host"),
    Break(.privilegeReason, "reason: It makes a tunnel for its pages.", "reason: so"),
    Break(.privilegeReason, "what: device /dev/net/tun", "what: device /dev/fuse"),
    Break(.routeService, "name: notes, service: web", "name: notes, service: webs"),
    Break(
      .routeService, "    user: \"1000:1000\"", "    user: \"1000:1000\"\n    expose: [\"54\"]",
      at: "name: notes, service: web"),
    Break(.routeService, "{ type: http, service: web", "{ type: http, service: webs"),
    Break(
      .routeService, "    user: \"1000:1000\"", "    user: \"1000:1000\"\n    expose: [\"8081\"]",
      at: "monitor: [{"),
    Break(.routeNameUnique, "name: notes-api", "name: notes"),
    Break(.parameter, "      LIMIT: \"${UPLOAD_LIMIT}\"\n", "", at: "uploadLimit:"),
    Break(.parameter, "PRICE: \"5$$\"", "PRICE: \"${PRICE}\""),
    Break(.parameter, "default: 512", "default: 4096"),
    Break(.parameter, "services: [web], description: Graphics.", "services: [wide], description: Graphics."),
    Break(
      .dependency, "    x-healthcheck: image", "    x-healthcheck: image\n    depends_on: [web]",
      at: "depends_on: [web]"),
    Break(.quiesce, "quiesce: dump", "quiesce: none", at: "quiesce: none"),
    Break(.quiesce, "dump: [{ service: database", "dump: [{ service: base"),
    Break(.quiesce, "restore: [{ service: database", "restore: [{ service: base"),
    Break(.quiesce, "verify: [{ service: web", "verify: [{ service: webs"),
    Break(
      .quiesce, "    verify: [{ service: web, command: [wget, -qO-, \"http://127.0.0.1:8080/\"], expect: Notes }]\n",
      "",
      at: "quiesce: dump"),
    Break(
      .quiesce,
      "    dump: [{ service: database, command: [pg_dump, -Fc, notes], output: database.dump }]\n"
        + "    restore: [{ service: database, command: [pg_restore, -d, notes], input: database.dump }]\n", "",
      at: "quiesce: dump"),
    Break(
      .quiesce, "    restore: [{ service: database, command: [pg_restore, -d, notes], input: database.dump }]\n", "",
      at: "dump: [{"),
    Break(.quiesce, "input: database.dump", "input: other.dump"),
    Break(.quiesce, "output: database.dump", "output: ../database.dump"),
    Break(.quiesce, "[\"pages/thumbs/*\"]", "[\"thumbs/*\"]"),
    Break(.kubernetes, "reason: It keeps little and needs no device.", "reason: yes."),
    Break(.architecture, "[x86_64-linux]", "[riscv64-linux]"),
    Break(.restartPolicy, "restart: always", "restart: \"no\""),
    Break(.restartPolicy, "restart: always", "restart: sometimes"),
  ]

  @Test("the sample breaks none")
  func sample() {
    #expect(SampleStack.refusals(SampleStack.notes).map(\.description) == [])
  }

  @Test("what breaks one is refused with its name and its line", arguments: breaks)
  func broken(_ one: Break) throws {
    try #require(SampleStack.notes.contains(one.from), "the sample has no \(one.from)")
    let parts = SampleStack.notes.split(separator: one.from, maxSplits: 1, omittingEmptySubsequences: false)
    let text = parts.joined(separator: one.to)
    let refusals = SampleStack.refusals(text)
    let found = refusals.filter { $0.rule == one.rule }
    #expect(!found.isEmpty, "\(refusals)")
    let needle = one.at ?? one.to.trimmingSpaces
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
      .filter { $0.element.contains(needle) }.map { $0.offset + 1 }
    // A service's own line is that of its name or of its first field.
    #expect(
      found.contains { refusal in lines.contains { abs($0 - refusal.line) <= (one.at == nil ? 0 : 3) } },
      "\(found), \(lines)")
    #expect(found.allSatisfy { $0.file == "compose.yaml" && ($0.text.contains(";") || $0.text.contains(",")) })
  }

  @Test("a dump beside the files of a stack that stood still needs nothing that restores it")
  func furtherCopy() {
    let text = SampleStack.notes.replacing("quiesce: dump", with: "quiesce: stop").replacing(
      "    restore: [{ service: database, command: [pg_restore, -d, notes], input: database.dump }]\n", with: "")
    #expect(SampleStack.refusals(text).map(\.description) == [])
  }

  @Test("all is said at once")
  func all() {
    let text = SampleStack.notes.replacing("notes:1.4.2", with: "notes:latest")
      .replacing("DB_PASSWORD_FILE: /run/secrets/DB_PASSWORD", with: "DB_PASSWORD: hunter22")
      .replacing("restart: always", with: "restart: never")
    let rules = Set(SampleStack.refusals(text).map(\.rule))
    #expect(rules.isSuperset(of: [.imagePinned, .secretLiteral, .restartPolicy]))
  }

  @Test("a literal secret is not repeated in what is said")
  func secretsStay() {
    let text = SampleStack.notes.replacing("DB_PASSWORD_FILE: /run/secrets/DB_PASSWORD", with: "DB_PASSWORD: hunter22")
    #expect(!SampleStack.refusals(text).map(\.description).joined().contains("hunter22"))
  }

  @Test(
    "images that are pinned",
    arguments: [
      "docker.io/library/caddy:2.11.4", "ghcr.io/immich-app/postgres:14-vectorchord0.4.3-pgvectors0.2.0",
      "lscr.io/linuxserver/qbittorrent:5.2.3_v2.0.13-ls469", "registry.example.com:5000/a/b:v1.2",
      "docker.io/minio/minio:RELEASE.2025-04-22T22-12-26Z",
      "a/b:1.0@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    ])
  func pinned(_ image: String) {
    #expect(
      !SampleStack.refusals(SampleStack.notes.replacing("registry.example.com/notes:1.4.2", with: image))
        .contains { $0.rule == .imagePinned })
  }

  @Test(
    "what is no secret although it is called so",
    arguments: [
      "TOKEN_TTL: 3600", "PASSWORD_LOGIN: \"false\"", "SECRET_PATH: /data/x", "KEY_FILE: /a", "NOTE: some text",
      "PGPASSFILE: /run/secrets/DB_PASSWORD",
    ])
  func noSecret(_ line: String) {
    let text = SampleStack.notes.replacing("PRICE: \"5$$\"", with: line)
    #expect(!SampleStack.refusals(text).contains { $0.rule == .secretLiteral })
  }

  @Test("a stack that depends on one that nobody knows")
  func unknownDependency() throws {
    let template = try SampleStack.template(SampleStack.small("one", dependsOn: ["two"]), files: [:])
    #expect(template.refusals(known: ["one", "two"]).isEmpty)
    let refusals = template.refusals(known: ["one"])
    #expect(refusals.map(\.rule) == [.dependency])
    #expect(refusals.first?.line == 14)
    let itself = try SampleStack.template(SampleStack.small("one", dependsOn: ["one"]), files: [:])
    #expect(itself.refusals(known: ["one"]).map(\.rule) == [.dependency])
    #expect(itself.refusals(known: ["one"]).first?.text.contains("depends on itself") == true)
  }
}

extension String {
  var trimmingSpaces: String { String(drop { $0 == " " }.split(separator: "\n").first ?? "") }
}
