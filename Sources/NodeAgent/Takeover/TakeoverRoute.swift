import AgentProtocol
import HTTPConnection

/// Finds the address by which this machine reaches the appliance: an IPv6-only machine needs another than the rest.
public enum TakeoverRoute {
  /// - Throws: ``TakeoverRouteError`` where none answers.
  public static func find(_ urls: [String], log: AgentLog) async throws -> HTTPEndpoint {
    var failures: [String] = []
    for url in urls {
      let endpoint = try HTTPEndpoint(url: url)
      var limits = HTTPClientLimits()
      limits.connectTimeout = .seconds(5)
      limits.idleTimeout = .seconds(10)
      do {
        let answer = try await HTTPClient(endpoint: endpoint, limits: limits)
          .collect(ClientRequest(method: "HEAD", path: TakeoverPath.script))
        guard answer.status == 200 else {
          failures.append("\(url) answered with status \(answer.status)")
          continue
        }
        log.say("the appliance answers at \(url)")
        return endpoint
      } catch {
        failures.append("\(error)")
      }
    }
    throw TakeoverRouteError(failures: failures)
  }
}

/// The appliance can not be reached from the old system, so the installer would not reach it either.
public struct TakeoverRouteError: Error, Sendable, CustomStringConvertible {
  public let failures: [String]

  public var description: String {
    "the appliance does not answer this machine: \(failures.joined(separator: "; ")). Name an address that it reaches with --appliance http://ADDRESS:PORT, and let TCP through on the way"
  }
}
