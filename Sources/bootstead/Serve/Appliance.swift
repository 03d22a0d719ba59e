import AgentProtocol
import BinaryCache
import BootDecision
import BootHTTP
import Fleet
import Foundation
import Images
import Logging
import Netboot
import NetworkAddress
import NixFormats
import NodeFlake
import OperatorAPI
import ProxyDHCP
import ServiceLifecycle
import Synchronization
import TFTP
import TFTPServer
import UnixSignals

/// Everything that `serve` runs, wired together.
struct Appliance: Sendable {
  struct Options: Sendable {
    var interfaces: [String]
    var dataDirectory: URL
    var httpPort: Int
    var consoles: [String]
    var enrolment: Enrolment?
    var loaderDirectories: [String]
    /// The agent that machines are taken over with; nil: the one beside this program.
    var agent: String?
    var takeoverWatchdogSeconds = 300
    /// The folder with the NixOS modules; nil where there is none.
    var templates: String?
  }

  private let options: Options
  private let logger = Logger(label: "bootstead")
  private let fleet: Fleet
  private let cache: CacheDirectory
  private let catalogue: ImageCatalogue
  private let applianceKey: SigningPrivateKey
  private let addresses: [String: IPv4Address]
  private let takeover: TakeoverSetting
  private let nodes: NodeFlakes
  private let lock: DataDirectoryLock
  private let startedAt = Date()

  /// Opens what is below the data directory, and checks the interfaces.
  init(_ options: Options) async throws {
    self.options = options
    let data = options.dataDirectory
    try FileManager.default.createDirectory(
      at: data, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    lock = try DataDirectoryLock(data)
    addresses = try Appliance.addresses(of: options.interfaces)
    for address in addresses.values { try checkPort(options.httpPort, on: address) }
    takeover = TakeoverSetting(options, addresses: addresses, logger: logger)
    applianceKey = try ApplianceKey.loadOrCreate(at: data.appendingPathComponent("appliance.key"))
    fleet = try Fleet(path: data.appendingPathComponent("fleet.sqlite").path)
    let signingKey = try SigningKey.loadOrCreate(
      at: data.appendingPathComponent("cache.key").path, name: "bootstead-\(applianceKey.publicKey.fingerprint)")
    cache = try CacheDirectory(path: data.appendingPathComponent("cache").path, signingKey: signingKey)
    nodes = NodeFlakes(
      fleet: fleet, templates: options.templates,
      appliance: ApplianceIdentity(
        url: takeover.urls.first ?? "", publicKey: applianceKey.publicKey.description,
        cacheKey: cache.publicKey.description),
      agent: takeover.source.map { AgentFile(path: $0.agentPath, digest: $0.agentDigest) },
      folder: try FlakeFolder.emptied(in: data))
    if options.templates == nil {
      logger.warning("no templates, so no flakes and no declared fleet: serve --templates")
    }
    catalogue = ImageCatalogue(store: try BlobStore(directory: data.appendingPathComponent("images")))
    if let enrolment = options.enrolment { try await fleet.setEnrolment(enrolment) }
    try await loadCatalogue()
  }

  private static func addresses(of names: [String]) throws -> [String: IPv4Address] {
    let present = try NetworkInterface.all()
    var addresses: [String: IPv4Address] = [:]
    for name in names {
      guard let interface = present.first(where: { $0.name == name }) else {
        throw CommandFailure.failed(
          "there is no interface '\(name)'; this machine has \(present.map(\.name).joined(separator: ", "))")
      }
      guard let address = interface.addresses.first?.address else {
        throw CommandFailure.failed("the interface '\(name)' has no IPv4 address: give it one first")
      }
      addresses[name] = address
    }
    return addresses
  }

  /// The operator's images and loaders, and Debian's iPXE where it is installed.
  private func loadCatalogue() async throws {
    for image in try await fleet.images() { catalogue.put(image) }
    for loader in try await fleet.loaders() { try catalogue.put(loader) }
    for known in LoaderTable.known {
      let directories = options.loaderDirectories.map { "\($0)/\(known.fileName)" }
      guard let path = (directories + known.paths).first(where: { FileManager.default.isReadableFile(atPath: $0) }),
        catalogue.loader(named: known.fileName) == nil
      else { continue }
      try catalogue.put(
        StoredLoader(
          name: ImageName(known.fileName), architecture: known.architecture.rawValue,
          blob: try catalogue.store.add(fileAt: path), origin: known.debianPackage ?? path,
          features: known.features.map(\.rawValue).sorted()))
    }
    try catalogue.store.keep(
      only: catalogue.images.flatMap { [$0.kernel, $0.initrd] } + catalogue.loaders.map(\.record.blob))
    if catalogue.loaders.isEmpty {
      logger.warning(
        "no boot loader: apt-get install ipxe, or bootstead loader add; BIOS and UEFI firmware gets nothing")
    }
    if catalogue.image(named: "installer") == nil {
      logger.warning("no boot image: run 'bootstead installer build', or no machine can be installed")
    }
  }

  /// Serves until it is told to stop.
  func run() async throws {
    let enrolment = EnrolmentCell(try await fleet.enrolment())
    let policy = BootPolicy(enrolment: enrolment.value, addresses: addresses, httpPort: UInt16(options.httpPort))
    let (decisions, sink) = AsyncStream.makeStream(
      of: BootDecisionRecord.self, bufferingPolicy: .bufferingNewest(4096))
    let proxy = ProxyDHCPServer(
      configuration: ProxyDHCPConfiguration(interfaces: options.interfaces), policy: policy, directory: fleet.directory,
      decisions: sink, logger: Logger(label: "dhcp"))
    let tftp = tftpServer(proxy)
    // One listener to each served address: nothing is offered on the appliance's other interfaces.
    let boot = (addresses.values.sorted { $0.value < $1.value }.map(\.description) + takeover.ipv6Addresses)
      .map { bootServer(proxy, enrolment, on: $0) }
    let socketPath = options.dataDirectory.appendingPathComponent("bootstead.sock").path
    try removeStaleSocket(socketPath)
    let fleet = fleet
    let routes = OperatorRoutes(
      fleet: fleet, cache: cache, catalogue: catalogue,
      onEnrolment: { value in
        enrolment.value = value
        var changed = policy
        changed.enrolment = value
        proxy.update(policy: changed)
      },
      takeover: takeover.offers(fleet: fleet, key: applianceKey.publicKey), nodes: nodes,
      status: { [self] in try await status(proxy, tftp, enrolment) })
    let operatorServer = routes.application(socketPath: socketPath, logger: Logger(label: "api"))
    logger.info(
      "bootstead \(bootsteadVersion) serves \(addresses.map { "\($0.value) on \($0.key)" }.sorted().joined(separator: ", ")), HTTP port \(options.httpPort), socket \(socketPath)"
    )
    var configuration = ServiceGroupConfiguration(
      services: [
        .init(service: DecisionWriter(decisions: decisions, fleet: fleet, logger: Logger(label: "decisions"))),
        .init(
          service: OverdueWatch(
            fleet: fleet, takeoverSilence: takeover.silence, logger: Logger(label: "registry"))),
        .init(service: proxy), .init(service: tftp), .init(service: operatorServer),
      ] + boot.map { .init(service: $0) }, gracefulShutdownSignals: [.sigterm, .sigint],
      logger: Logger(label: "services"))
    // A service that missed its shutdown while it was still starting is cancelled.
    configuration.maximumGracefulShutdownDuration = .seconds(10)
    let group = ServiceGroup(configuration: configuration)
    var failure: (any Error)?
    do { try await group.run() } catch { failure = error }
    // The registry is one whole file while nothing serves it, for whoever copies it then.
    do { try fleet.close() } catch { logger.error("the registry was not closed: \(error)") }
    withExtendedLifetime(lock) {}
    if let failure { throw CommandFailure.failed("the appliance stopped: \(failure)") }
  }

  private func advertisedURL(_ address: IPv4Address?) -> String {
    let address = address ?? addresses.values.sorted { $0.value < $1.value }.first ?? .any
    return "http://\(address):\(options.httpPort)"
  }

  private func tftpServer(_ proxy: ProxyDHCPServer) -> TFTPServer {
    let catalogue = catalogue
    let logger = logger
    let url: @Sendable (IPv4Address) -> String = { [self] peer in advertisedURL(sourceAddress(towards: peer)) }
    return TFTPServer(
      configuration: .init(addresses: Array(addresses.values), port: 69), logger: Logger(label: "tftp"),
      onEvent: { event in
        if case .ended(let report) = event, [.completed, .completedUnconfirmed].contains(report.outcome) {
          proxy.note(.loader, from: report.peer)
        }
      },
      lookup: { name, peer in
        if name.lastComponent == "autoexec.ipxe" || name.lastComponent == "boot.ipxe" {
          do {
            return TFTPContent(bytes: try IPXEScript.boot(appliance: ApplianceURL(url(peer))).bytes)
          } catch {
            logger.error("no first script can be made: \(error)")
            return nil
          }
        }
        return catalogue.loader(named: name.path).map { TFTPContent(bytes: $0.bytes) }
      })
  }

  private func bootServer(_ proxy: ProxyDHCPServer, _ enrolment: EnrolmentCell, on address: String) -> some Service {
    var configuration = BootServer.Configuration(
      host: address, port: options.httpPort, advertisedURL: { [self] in advertisedURL($0) },
      consoleArguments: options.consoles.map { "console=\($0)" }, enrolment: { enrolment.value },
      onContact: { event in
        switch event {
        case .script(let mac): proxy.note(.fetch, of: mac)
        case .loader(let address): proxy.note(.loader, from: address)
        }
      })
    configuration.takeover = takeover.source
    configuration.flake = { [nodes] name in
      let archive = try await nodes.archive(of: name.text)
      return ServedFlake(
        path: archive.path, digest: archive.digest, archiveDigest: archive.archiveDigest, size: archive.size)
    }
    return BootServer(
      fleet: fleet, cache: cache, catalogue: catalogue, applianceKey: applianceKey, configuration: configuration,
      logger: Logger(label: "http")
    ).application()
  }

  private func status(_ proxy: ProxyDHCPServer, _ tftp: TFTPServer, _ enrolment: EnrolmentCell) async throws
    -> StatusAnswer
  {
    let machines = try await fleet.machines()
    return StatusAnswer(
      version: bootsteadVersion, startedAt: startedAt, addresses: addresses.map { "\($0.value) on \($0.key)" }.sorted(),
      httpPort: options.httpPort, enrolment: enrolment.value.rawValue, cachePublicKey: cache.publicKey.description,
      machines: Dictionary(grouping: machines, by: \.machine.state.rawValue).mapValues(\.count),
      counters: counters(of: proxy.counters, prefix: "dhcp").merging(counters(of: tftp.counters, prefix: "tftp")) {
        first, _ in first
      },
      otherServers: proxy.foreignServers.flatMap { server in
        server.findings.map { "\(server.address) on \(server.interface): \($0.text)" }
      }, alarms: machines.flatMap { detail in detail.alarms.map { "\(detail.machine.name): \($0.text)" } })
  }

  /// The integers of a counter struct by name.
  private func counters(of value: Any, prefix: String) -> [String: Int] {
    var counters: [String: Int] = [:]
    for child in Mirror(reflecting: value).children {
      if let name = child.label, let count = child.value as? any BinaryInteger {
        counters["\(prefix).\(name)"] = Int(clamping: count)
      }
    }
    return counters
  }

  /// A socket file is left behind by a killed server; the data directory's lock says that none is running.
  private func removeStaleSocket(_ path: String) throws {
    if FileManager.default.fileExists(atPath: path) { try FileManager.default.removeItem(atPath: path) }
  }
}

/// The enrolment setting as the boot services read it.
final class EnrolmentCell: Sendable {
  private let cell: Mutex<Enrolment>

  init(_ value: Enrolment) { cell = Mutex(value) }

  var value: Enrolment {
    get { cell.withLock { $0 } }
    set { cell.withLock { $0 = newValue } }
  }
}

extension FleetDirectory: MachineDirectory {
  public func view(of mac: MACAddress, uuid: SystemUUID?) -> MachineView? { view(of: mac) }
}
