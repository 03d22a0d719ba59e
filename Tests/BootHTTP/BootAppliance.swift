import AgentProtocol
import BinaryCache
import BootDecision
import BootHTTP
import DiskLayout
import Fleet
import Foundation
import Images
import Logging
import NetworkAddress
import ServiceLifecycle

/// A real server on a loopback port, with what it serves in a folder of its own.
final class BootAppliance: Sendable {
  static let mac = "52:54:00:00:00:01"
  static let closure = "/nix/store/" + String(repeating: "0", count: 32) + "-nixos-system-node"
  /// 1,000 bytes with the mark of a Linux kernel in them.
  static let kernel: [UInt8] = {
    var bytes = (0..<1000).map { UInt8($0 % 251) }
    bytes.replaceSubrange(0x202..<0x206, with: Array("HdrS".utf8))
    return bytes
  }()

  let folder: URL
  let fleet: Fleet
  let catalogue: ImageCatalogue
  let key: SigningPrivateKey
  let cache: CacheDirectory

  init() throws {
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("boothttp-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    fleet = try Fleet(path: folder.appendingPathComponent("fleet.sqlite").path)
    cache = try CacheDirectory(
      path: folder.appendingPathComponent("cache").path,
      signingKey: SigningKey.loadOrCreate(at: folder.appendingPathComponent("cache.key").path, name: "test"))
    catalogue = ImageCatalogue(store: try BlobStore(directory: folder.appendingPathComponent("images")))
    key = try SigningPrivateKey()
    let kernel = folder.appendingPathComponent("kernel")
    try Data(BootAppliance.kernel).write(to: kernel)
    catalogue.put(
      try BootImage(
        name: ImageName("installer"), kernelPath: kernel.path, initrdPath: kernel.path, in: catalogue.store, now: Date()
      ))
    try catalogue.put(
      StoredLoader(
        name: ImageName("snponly.efi"), architecture: "efiX64", blob: try catalogue.store.add(fileAt: kernel.path),
        origin: "test", features: []))
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  @discardableResult
  func add(
    _ name: String = "node1", mac: String = BootAppliance.mac, closure: String? = BootAppliance.closure
  ) async throws -> MachineDetail {
    var request = AddMachine(name: try MachineName(name), addresses: [try MACAddress(mac)], layout: LayoutSpec())
    request.closure = closure
    return try await fleet.add(request)
  }

  /// Serves while `work` runs.
  func serving(
    idleSeconds: Int64 = 60, enrolment: Enrolment = .closed,
    flake: (@Sendable (MachineName) async throws -> ServedFlake)? = nil,
    _ work: @escaping @Sendable (Int) async throws -> Void
  ) async throws {
    var configuration = BootServer.Configuration(
      host: "127.0.0.1", port: 0, advertisedURL: { "http://\($0 ?? .any):8080" }, consoleArguments: ["console=ttyS0"],
      enrolment: { enrolment })
    configuration.idleSeconds = idleSeconds
    configuration.flake = flake
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let server = BootServer(
      fleet: fleet, cache: cache, catalogue: catalogue, applianceKey: key, configuration: configuration, logger: logger)
    let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
    let service: some Service = server.application { continuation.yield($0) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        defer { continuation.finish() }
        try await service.run()
      }
      for await port in ports {
        try await work(port)
        break
      }
      group.cancelAll()
      while let _ = await group.nextResult() {}
    }
  }
}
