import Foundation
import StackCatalogue
import StackSet
import StackTemplates
import Testing

/// One of the fleets in `templates/examples`: each of its machines, and the stacks that are compiled for it.
struct ExampleFleet {
  struct Machine {
    var file: ExampleMachine
    var set: StackSet
    var name: String { file.name }
  }

  static let root = URL(fileURLWithPath: CatalogueTests.root).deletingLastPathComponent()
    .appendingPathComponent("examples")
  static let names =
    ((try? FileManager.default.contentsOfDirectory(atPath: root.path)) ?? []).filter { !$0.hasPrefix(".") }.sorted()

  var name: String
  var machines: [Machine] = []

  private static let all = names.map { name in Result { try ExampleFleet(reading: name) } }

  /// Compiled once for all tests.
  /// - Throws: where a machine can not be read, names a template that is not there, or breaks a rule.
  static func read(_ name: String) throws -> ExampleFleet {
    try #require(names.firstIndex(of: name).map { all[$0] }).get()
  }

  private init(reading name: String) throws {
    self.name = name
    let catalogue = try TemplateCatalogue(root: CatalogueTests.root)
    let folder = Self.root.appendingPathComponent(name).appendingPathComponent("machines")
    for file in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() {
      let path = folder.appendingPathComponent(file)
      let data = try Data(contentsOf: path)
      let settings = try MachineStacks(data, path: path.path).settings
      let set = try StackCompiler(
        settings: settings, templates: try Set(settings.stacks.map(\.template)).map(catalogue.template),
        digest: SampleStack.fold
      ).compile()
      machines.append(Machine(file: try JSONDecoder().decode(ExampleMachine.self, from: data), set: set))
    }
  }

  /// All names of stacks' routes, and where they have to lead.
  var names: [(name: String, address: String?)] {
    machines.flatMap { machine in
      machine.set.routes.flatMap(\.names).map { ($0, machine.file.settings?.access?.proxyAddress) }
    }
  }

  /// What the fleet's own name servers answer for a name.
  func answers(for name: String) -> Set<String> {
    var found: Set<String> = []
    for machine in machines where machine.file.roles.contains("dns") {
      let rewrites = machine.file.settings?.roles?.dns?.rewrites ?? [:]
      if let address = rewrites[name] { found.insert(address) }
      if let dot = name.firstIndex(of: "."), let address = rewrites["*" + name[dot...]] { found.insert(address) }
      guard machine.file.settings?.access?.splitDNS?.enable == true else { continue }
      for entry in machine.set.names where entry.name == name { found.insert(entry.address) }
    }
    return found
  }
}

/// The parts of an example's `machine.json` that its completeness is measured by.
struct ExampleMachine: Decodable {
  struct Switch: Decodable { var enable: Bool? }
  struct FileSystem: Decodable {
    var mountPoint: String
    var device: String
  }
  struct ThinPool: Decodable { var volumeGroup: String }
  struct Network: Decodable {
    struct Interface: Decodable { var addresses: [String]? }
    var interfaces: [Interface]?
  }
  struct Storage: Decodable {
    struct ZFS: Decodable {
      struct Pool: Decodable {
        struct Dataset: Decodable { var mountPoint: String? }
        var datasets: [String: Dataset]?
      }
      var pools: [String: Pool]?
    }
    struct NFS: Decodable {
      struct Mount: Decodable { var mountPoint: String }
      var mounts: [String: Mount]?
    }
    struct Pair: Decodable { var mountPoint: String? }
    var zfs: ZFS?
    var nfs: NFS?
    var pair: Pair?
    enum CodingKeys: String, CodingKey {
      case zfs, nfs
      case pair = "os-data-backup"
    }
  }
  struct Roles: Decodable {
    struct DNS: Decodable { var rewrites: [String: String]? }
    struct DockerHost: Decodable { var userNamespace: Switch? }
    struct BackupTarget: Decodable {
      struct Keys: Decodable { var appendKeys: [String]? }
      var borg: [String: Keys]?
      var restic: Switch?
    }
    var dns: DNS?
    var docker: DockerHost?
    var target: BackupTarget?
    enum CodingKeys: String, CodingKey {
      case dns
      case docker = "docker-host"
      case target = "backup-target"
    }
  }
  struct Stacks: Decodable {
    struct Identity: Decodable { var policy: String? }
    var identity: Identity?
  }
  struct Backup: Decodable {
    struct Repository: Decodable {
      var type: String
      var url: String
    }
    struct Plan: Decodable {
      var enable: Bool?
      var repository: String?
      var classes: [String]?
      var stacks: [String]?
      var url: String?
    }
    var repositories: [String: Repository]?
    var borg: Plan?
    var restic: Plan?
    var offsite: Plan?
    enum CodingKeys: String, CodingKey {
      case repositories
      case borg = "borg-per-service"
      case restic = "restic-rest"
      case offsite = "b2-offsite"
    }
  }
  struct Access: Decodable {
    struct Route: Decodable {
      var host: String?
      var upstream: String
      var exposure: String?
    }
    var proxyAddress: String?
    var routes: [String: Route]?
    var splitDNS: Switch?
    var caddy: Switch?
    var traefik: Switch?
    var nginxProxyManager: Switch?
    enum CodingKeys: String, CodingKey {
      case proxyAddress, routes, traefik
      case splitDNS = "split-dns"
      case caddy = "caddy-hub"
      case nginxProxyManager = "nginx-proxy-manager"
    }
  }
  struct Settings: Decodable {
    var storage: Storage?
    var roles: Roles?
    var stacks: Stacks?
    var backup: Backup?
    var access: Access?
  }

  var name: String
  var roles: [String]
  var stacks: [String]
  var fileSystems: [FileSystem]
  var thinPool: ThinPool?
  var network: Network?
  var settings: Settings?

  /// Without the length of the network.
  var addresses: [String] {
    (network?.interfaces ?? []).flatMap { $0.addresses ?? [] }.map { String($0.prefix { $0 != "/" }) }
  }

  enum Place: Equatable { case thin, zfs, network, other }

  /// What a folder lies on.
  func place(of path: String) -> Place {
    var places: [(String, Place)] = fileSystems.map { fileSystem in
      let isThin = thinPool.map { fileSystem.device.hasPrefix("/dev/\($0.volumeGroup)/") } ?? false
      return (fileSystem.mountPoint, isThin ? .thin : .other)
    }
    let pools = settings?.storage?.zfs?.pools ?? [:]
    places += pools.values.flatMap { ($0.datasets ?? [:]).values.compactMap(\.mountPoint) }.map { ($0, .zfs) }
    places += [settings?.storage?.pair?.mountPoint].compactMap(\.self).map { ($0, .zfs) }
    places += (settings?.storage?.nfs?.mounts ?? [:]).values.map { ($0.mountPoint, .network) }
    return places.filter { $0.0 == "/" || path == $0.0 || path.hasPrefix($0.0 + "/") }
      .max { $0.0.utf8.count < $1.0.utf8.count }?.1 ?? .other
  }
}
