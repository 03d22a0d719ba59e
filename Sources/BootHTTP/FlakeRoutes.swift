import Fleet
import HTTPTypes
import Hummingbird
import Logging

/// The archive of a machine's flake, ready to be served.
public struct ServedFlake: Sendable {
  public var path: String
  public var digest: String

  public init(path: String, digest: String) { (self.path, self.digest) = (path, digest) }
}

extension BootServer {
  /// `/flake/NAME.tar.gz`: a machine's flake, for Nix. There is no secret in it.
  func flakeRoutes(_ router: Router<BootRequestContext>) {
    guard let flake = configuration.flake else { return }
    for method in [HTTPRequest.Method.get, .head] {
      router.on("flake/:file", method: method) { request, context in
        let file = try context.parameters.require("file")
        guard file.hasSuffix(".tar.gz"), let name = try? MachineName(String(file.dropLast(7))) else {
          throw HTTPError(.notFound)
        }
        let served: ServedFlake
        do { served = try await flake(name) } catch let error as FleetError {
          logger.info("no flake of \(name): \(error)")
          throw HTTPError(.notFound)
        }
        return try await fileResponse(
          ServedFile(path: served.path, contentType: "application/gzip", entityTag: served.digest), to: request,
          context: context)
      }
    }
  }
}
