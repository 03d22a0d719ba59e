import AgentProtocol
import BinaryCache
import BootDecision
import Fleet
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Images
import Logging
import NIOCore
import NetworkAddress
import Synchronization

/// The appliance's HTTP server on the boot network: loaders, scripts, images, overlays, the binary cache, and what
/// agents ask.
public struct BootServer: Sendable {
  public struct Configuration: Sendable {
    public var host: String
    public var port: Int
    /// The address that a client is told to come back to, by the address that it reached.
    public var advertisedURL: @Sendable (IPv4Address?) -> String
    public var defaultImage: String
    /// Such as `console=ttyS0,115200`.
    public var consoleArguments: [String]
    /// Seconds after which a connection is closed that brought no part of a request and took no piece of an answer. A
    /// request's head counts when it is whole: a client that sends it byte by byte is closed too.
    public var idleSeconds: Int64 = 60
    public var enrolment: @Sendable () -> Enrolment
    /// The agent that machines are taken over with; nil: none is served.
    public var takeover: TakeoverSource?
    /// Makes the archive of a machine's flake; nil: none is served.
    public var flake: (@Sendable (MachineName) async throws -> ServedFlake)?
    /// Told of each boot script and loader that was fetched.
    public var onContact: @Sendable (BootContactEvent) -> Void

    public init(
      host: String, port: Int, advertisedURL: @escaping @Sendable (IPv4Address?) -> String,
      defaultImage: String = "installer", consoleArguments: [String] = [],
      enrolment: @escaping @Sendable () -> Enrolment,
      onContact: @escaping @Sendable (BootContactEvent) -> Void = { _ in }
    ) {
      self.host = host
      self.port = port
      self.advertisedURL = advertisedURL
      self.defaultImage = defaultImage
      self.consoleArguments = consoleArguments
      self.enrolment = enrolment
      self.onContact = onContact
    }

    /// Where this listener is reached.
    var listenerURL: String {
      if let address = try? IPv4Address(host) { return advertisedURL(address) }
      return "http://[\(host)]:\(port)"
    }
  }

  let fleet: Fleet
  let cache: CacheDirectory
  let catalogue: ImageCatalogue
  let applianceKey: SigningPrivateKey
  let configuration: Configuration
  let logger: Logger

  public init(
    fleet: Fleet, cache: CacheDirectory, catalogue: ImageCatalogue, applianceKey: SigningPrivateKey,
    configuration: Configuration, logger: Logger
  ) {
    self.fleet = fleet
    self.cache = cache
    self.catalogue = catalogue
    self.applianceKey = applianceKey
    self.configuration = configuration
    self.logger = logger
  }

  public func application(onRunning: @escaping @Sendable (Int) async -> Void = { _ in }) -> some ApplicationProtocol {
    let router = Router(context: BootRequestContext.self)
    loaderRoutes(router)
    cacheRoutes(router)
    agentRoutes(router)
    takeoverRoutes(router)
    flakeRoutes(router)
    return Application(
      router: router,
      server: HTTPServerBuilder { responder in
        BootHTTPChannel(responder: responder, idleTimeout: .seconds(configuration.idleSeconds))
      },
      configuration: .init(address: .hostname(configuration.host, port: configuration.port), serverName: nil),
      onServerRunning: { channel in await onRunning(channel.localAddress?.port ?? 0) }, logger: logger)
  }
}

/// A client fetched something that tells how far its boot came.
public enum BootContactEvent: Sendable {
  case script(MACAddress)
  case loader(IPv4Address)
}
