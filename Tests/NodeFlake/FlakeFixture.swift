import Fleet
import Foundation
import NodeFlake
import ProgramTestSupport

/// Templates whose systems are files that a shell writes, with a nixpkgs that is empty, for a real Nix with a store of
/// its own.
struct FlakeFixture {
  let folder: TemporaryDirectory
  var templates: String { folder.file("templates") }

  /// The project's own.
  static let templates = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../../templates").standardizedFileURL.path

  static let hasNix = FileManager.default.isExecutableFile(atPath: "/usr/bin/nix") && geteuid() == 0

  init() throws {
    folder = try TemporaryDirectory()
    let files = FileManager.default
    for name in ["templates/lib", "templates/roles", "templates/stacks/photos", "nixpkgs", "home/conf", "home/store"] {
      try files.createDirectory(atPath: folder.file(name), withIntermediateDirectories: true)
    }
    for name in ["schema", "node-flake.nix"] {
      try files.copyItem(atPath: Self.templates + "/" + name, toPath: templates + "/" + name)
    }
    let library = "templates/lib"
    try write(library + "/default.nix", Self.library)
    try write("templates/roles/docker-host.nix", "{ }")
    try write("templates/roles/_shared.nix", "{ }")
    try write("templates/stacks/photos/compose.yaml", Self.stack("photos"))
    try write("nixpkgs/flake.nix", "{ outputs = _: { }; }\n")
    try write("templates/flake.lock", Self.lock("sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "/nonexistent"))
    try write(
      "home/conf/nix.conf",
      "build-users-group =\nsubstituters =\nsandbox = true\nsandbox-paths = /bin /lib /lib64 /usr\n")
  }

  /// A stack of one service that keeps all rules.
  static func stack(_ name: String, image: String = "1.4.2", more: String = "") -> String {
    """
    name: \(name)
    services:
      server:
        image: registry.example.com/\(name):\(image)
        restart: unless-stopped
        environment: { LIMIT: "${LIMIT}", KEY_FILE: /run/secrets/KEY, TOKEN_FILE: /run/secrets/TOKEN }
        secrets: [KEY, TOKEN]
        volumes: ["data:/data"]
        healthcheck: { test: [CMD, "true"], interval: 30s }
    volumes: { data: {} }
    secrets: { KEY: { file: ./secrets/KEY }, TOKEN: { file: ./secrets/TOKEN } }
    x-bootstead:
      schema: 1
      function: test
      implementation: example
      description: A test.
      order: 70
      architectures: [x86_64-linux]
      identity: image
      parameters:
        limit: { type: integer, variable: LIMIT, default: 5, minimum: 1, maximum: 9, description: Of something. }
      volumes: { data: { class: appdata, owner: "0:0" } }
      secrets:
        KEY: { as: file, generate: { bytes: 24 }, description: A key. }
        TOKEN: { as: file, ask: true, description: Of somebody else. }
      backup: { quiesce: stop, verify: [{ service: server, command: ["true"] }] }
      kubernetes: { candidate: false, reason: It is there for tests only. }
    \(more)

    """
  }

  /// Settings that such a stack needs.
  static let chosen = #"{"stacks":{"settings":{"photos":{"secrets":{"TOKEN":"secret:photos-token"}}}}}"#

  /// Tiny templates, in memory.
  static func tinyTemplates() throws -> TemplateFolder {
    let fixture = try FlakeFixture()
    // The folder goes with the fixture.
    return try withExtendedLifetime(fixture) { try TemplateFolder(path: fixture.templates) }
  }

  func write(_ name: String, _ text: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder.file(name)))
  }

  /// For Nix.
  var environment: [String: String] {
    [
      "HOME": folder.file("home"), "NIX_REMOTE": folder.file("home/store"), "NIX_CONF_DIR": folder.file("home/conf"),
      "NIX_PATH": "",
    ]
  }

  /// Locks the templates to the empty nixpkgs.
  func lock() async throws {
    let hash = try await TestProgram.run(
      "nix",
      ["--extra-experimental-features", "nix-command", "hash", "path", "--type", "sha256", folder.file("nixpkgs")],
      environment: environment)
    try write(
      "templates/flake.lock",
      Self.lock(hash.text.trimmingCharacters(in: .whitespacesAndNewlines), folder.file("nixpkgs")))
  }

  static let revision = String(repeating: "a", count: 40)

  private static func lock(_ hash: String, _ path: String) -> String {
    """
    {"nodes":{"nixpkgs":{"locked":{"lastModified":1,"narHash":"\(hash)","path":"\(path)","rev":"\(revision)","type":"path"},
    "original":{"owner":"NixOS","ref":"nixos-26.05","repo":"nixpkgs","type":"github"}},
    "root":{"inputs":{"nixpkgs":"nixpkgs"}}},"root":"root","version":7}
    """
  }

  private static let library = """
    { nixpkgs }:
    {
      fleet = folder: {
        node1 =
          let
            data = builtins.fromJSON (builtins.readFile (folder + "/machines/node1.json"));
            modules = map (name: import (folder + "/${name}")) (data.modules or [ ]);
          in
        {
          config.system.build.toplevel = derivation {
            name = "nixos-system-${data.name}";
            system = "x86_64-linux";
            builder = "/bin/sh";
            args = [ "-c" "echo building $name; echo \\"$text\\" > $out; \\${fails:+exit 3}" ];
            text = builtins.toJSON [ data modules ];
            fails = data.settings.fails or "";
          };
        };
      };
    }
    """

  static func source(
    _ name: String = "node1", roles: [String] = ["docker-host"], stacks: [String] = [], more: String = "",
    modules: [String: String] = [:], own: [String: String] = [:]
  ) throws -> NodeSource {
    let roleText = roles.map { "\"\($0)\"" }.joined(separator: ",")
    let stackText = stacks.map { "\"\($0)\"" }.joined(separator: ",")
    let names = modules.keys.sorted().map { "\"\($0)\"" }.joined(separator: ",")
    let text = """
      {"schema":1,"name":"\(name)","identifier":"0b7f3c52-5d0e-4d0f-9d7e-2f1f6a0c9e11","system":"x86_64-linux",
      "stateVersion":"26.05","addresses":["52:54:00:00:00:01"],"firmware":"both","bootDisk":"/dev/disk/by-id/ata-D1",
      "bootDiskSize":500,"fileSystems":[{"mountPoint":"/","device":"/dev/disk/by-partuuid/a","type":"ext4","label":"",
      "options":[],"size":100}],"thinPool":{"volumeGroup":"data","pool":"pool","autoextendThreshold":80,
      "autoextendPercent":20,"size":300},"roles":[\(roleText)],"stacks":[\(stackText)],"modules":[\(names)]\(more)}
      """
    return NodeSource(
      configuration: try JSONDecoder().decode(MachineConfiguration.self, from: Data(text.utf8)),
      modules: modules.mapValues { Data($0.utf8) }, stacks: own.mapValues { Data($0.utf8) })
  }
}
