import AgentProtocol
import Fleet
import HTTPTypes
import Hummingbird
import Logging

/// The archive of a machine's flake, ready to be served.
public struct ServedFlake: Sendable {
  public var path: String
  /// The flake's own.
  public var digest: String
  /// SHA-256 of the archive, hexadecimal.
  public var archiveDigest: String
  /// Bytes of the archive.
  public var size: Int

  public init(path: String, digest: String, archiveDigest: String, size: Int) {
    (self.path, self.digest, self.archiveDigest, self.size) = (path, digest, archiveDigest, size)
  }
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
        } catch {
          logger.error("the flake of \(name) can not be served: \(error)")
          throw HTTPError(.internalServerError)
        }
        return try await fileResponse(
          ServedFile(path: served.path, contentType: "application/gzip", entityTag: served.digest), to: request,
          context: context)
      }
    }
  }

  /// Adds its flake to an install that has no closure: the machine builds its system itself.
  func withFlake(_ task: AgentTask) async throws -> AgentTask {
    guard case .install(var install) = task, install.closure == nil else { return task }
    let name = try MachineName(install.machineName)
    do {
      guard let flake = configuration.flake else { throw FleetError.conflict("this appliance makes no flakes") }
      let served = try await flake(name)
      install.flake = InstallFlake(
        path: "/flake/\(name).tar.gz", digest: served.archiveDigest, size: served.size, identity: served.digest)
      return .install(install)
    } catch let error as FleetError {
      try await fleet.wait(of: name, for: error.description)
      return .wait(reason: error.description, seconds: 10)
    }
  }
}
