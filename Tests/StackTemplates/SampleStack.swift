import StackSet
import StackTemplates

/// A template that breaks no rule, for tests to break.
enum SampleStack {
  static let notes = """
    name: notes
    services:
      web:
        image: registry.example.com/notes:1.4.2
        restart: unless-stopped
        user: "1000:1000"
        environment:
          TZ: "${TZ:-Etc/UTC}"
          LIMIT: "${UPLOAD_LIMIT}"
          DB_PASSWORD_FILE: /run/secrets/DB_PASSWORD
          MAIL_TOKEN: "${MAIL_TOKEN:?set it}"
          PRICE: "5$$"
        secrets: [DB_PASSWORD]
        volumes: ["pages:/data", "cache:/cache", "media:/media:ro"]
        devices: ["/dev/net/tun:/dev/net/tun"]
        depends_on: { database: { condition: service_healthy } }
        healthcheck: { test: [CMD, wget, -qO-, "http://127.0.0.1:8080/"], interval: 30s }
      database:
        image: docker.io/library/postgres@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
        environment: { POSTGRES_PASSWORD_FILE: /run/secrets/DATABASE_PASSWORD }
        secrets: [DATABASE_PASSWORD]
        volumes: ["database:/var/lib/postgresql/data"]
        x-healthcheck: image
      names:
        image: registry.example.com/names:2.0
        restart: always
        configs: [{ source: zones, target: /etc/zones }]
        ports: ["53:53/udp"]
    volumes: { pages: {}, cache: {}, media: {}, database: {} }
    secrets:
      DB_PASSWORD: { file: ./secrets/DB_PASSWORD }
      DATABASE_PASSWORD: { file: ./secrets/DATABASE_PASSWORD }
    configs:
      zones: { file: ./zones.conf }
    x-bootstead:
      schema: 1
      function: notes
      implementation: example
      description: Notes for tests.
      order: 70
      architectures: [x86_64-linux]
      parameters:
        gpu: { type: choice, choices: [none, nvidia, dri], default: none, services: [web], description: Graphics. }
        uploadLimit: { type: integer, variable: UPLOAD_LIMIT, default: 512, minimum: 1, maximum: 1024, description: MiB. }
      instances: true
      volumes:
        pages: { class: appdata, owner: "1000:1000", size: "20GiB" }
        cache: { class: scratch, owner: "1000:1000" }
        media: { class: media, shared: true, path: books }
        database: { class: db, owner: "999:999" }
      identity: fixed
      routes:
        - { name: notes, service: web, port: 8080, scheme: http, exposure: vpn }
        - { name: notes-api, service: web, port: 8081, scheme: http, exposure: lan }
      ports:
        - { service: names, port: 53, protocol: udp, kind: dns, reason: Names are asked for there. }
      secrets:
        DB_PASSWORD: { as: file, generate: { bytes: 24 }, description: Of the web service. }
        DATABASE_PASSWORD: { as: file, generate: { bytes: 24, encoding: base64 }, description: Of the database. }
        MAIL_TOKEN: { as: environment, ask: true, description: Of the mail service. }
      privileges:
        - { service: web, what: device /dev/net/tun, reason: It makes a tunnel for its pages. }
      backup:
        quiesce: dump
        dump: [{ service: database, command: [pg_dump, -Fc, notes], output: database.dump }]
        restore: [{ service: database, command: [pg_restore, -d, notes], input: database.dump }]
        verify: [{ service: web, command: [wget, -qO-, "http://127.0.0.1:8080/"], expect: Notes }]
        exclude: ["pages/thumbs/*"]
      monitor: [{ type: http, service: web, port: 8080, path: /, status: 200 }]
      kubernetes: { candidate: true, reason: It keeps little and needs no device. }

    """

  static let files = ["zones.conf": "example.com = 192.0.2.1\n"]

  /// A login that guards the notes.
  static func login(_ change: (inout StackAccess.Login) -> Void = { _ in }) -> StackAccess.Login {
    var login = StackAccess.Login(
      provider: "https://auth.example.com", address: "http://auth-server:9091", path: "/api/authz/forward-auth",
      headers: ["Remote-User", "Remote-Groups"], routes: ["notes"])
    change(&login)
    return login
  }

  /// A stack of one service without anything, for sets.
  static func small(
    _ name: String, order: Int = 70, dependsOn: [String] = [], extra: String = "", described: String = ""
  ) -> String {
    """
    name: \(name)
    services:
      app:
        image: registry.example.com/\(name):1.0
    \(extra)
    x-bootstead:
      schema: 1
      function: test
      implementation: example
      description: A test.
      order: \(order)
      architectures: [x86_64-linux, aarch64-linux]
      identity: image
      dependsOn: [\(dependsOn.joined(separator: ", "))]
      kubernetes: { candidate: false, reason: It is there for tests only. }
    \(described)

    """
  }

  static func template(_ text: String = notes, name: String? = nil, files: [String: String] = files) throws
    -> StackTemplate
  {
    let own = text.split(separator: "\n").first?.split(separator: " ").last.map(String.init) ?? ""
    return try StackTemplate(name: name ?? own, file: "compose.yaml", compose: Array(text.utf8), files: files)
  }

  /// What is refused in a text, also where it can not be read at all.
  static func refusals(_ text: String, name: String = "notes", files: [String: String] = files) -> [StackRefusal] {
    do { return try template(text, name: name, files: files).refusals() } catch let error as StackRefusals {
      return error.all
    } catch { return [] }
  }

  /// A machine with file systems, and the sample's one secret that cannot be made.
  static func settings(_ change: (inout StackSettings) -> Void = { _ in }) -> StackSettings {
    var settings = StackSettings(machine: "node1")
    settings.fileSystems = [.init(mountPoint: "/", type: "ext4"), .init(mountPoint: "/srv", type: "ext4")]
    settings.access.lan = "lan.example.com"
    settings.access.vpn = "vpn.example.com"
    settings.stacks = [instance("notes")]
    change(&settings)
    return settings
  }

  static func instance(_ name: String, template: String? = nil) -> StackSettings.Instance {
    var instance = StackSettings.Instance(name, template: template)
    instance.secrets["MAIL_TOKEN"] = "secret:mail"
    return instance
  }

  static func compile(_ settings: StackSettings, _ texts: [String] = [notes]) throws -> StackSet {
    try StackCompiler(settings: settings, templates: try texts.map { try template($0) }, digest: fold).compile()
  }

  /// What compiling refuses.
  static func refused(_ settings: StackSettings, _ texts: [String] = [notes]) -> [StackRefusal] {
    do {
      _ = try compile(settings, texts)
      return []
    } catch let error as StackRefusals { return error.all } catch { return [] }
  }

  /// Stands in for SHA-256.
  static func fold(_ bytes: [UInt8]) -> String {
    String(bytes.reduce(UInt64(14_695_981_039_346_656_037)) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }, radix: 16)
  }
}
