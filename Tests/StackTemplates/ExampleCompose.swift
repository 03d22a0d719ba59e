import Foundation
import StackSet

/// How services of a compiled stack are reached.
struct ExampleCompose: Decodable {
  /// A port that is published for the reverse proxy.
  struct Port: Decodable {
    var address: String?
    var published: String
    var target: Int
    enum CodingKeys: String, CodingKey {
      case published, target
      case address = "host_ip"
    }
  }

  /// The template's own ports have Compose's short form, and are not for the proxy.
  struct AnyPort: Decodable {
    var port: Port?
    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      port = (try? container.decode(String.self)) == nil ? try container.decode(Port.self) : nil
    }
  }

  struct Service: Decodable {
    var ports: [Port]
    /// By network, the names that others there call it by.
    var aliases: [String: [String]]
    var isOnHost: Bool

    enum CodingKeys: String, CodingKey {
      case ports, networks
      case mode = "network_mode"
    }
    struct Attachment: Decodable { var aliases: [String]? }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      ports = (try container.decodeIfPresent([AnyPort].self, forKey: .ports) ?? []).compactMap(\.port)
      isOnHost = try container.decodeIfPresent(String.self, forKey: .mode) == "host"
      let named = try? container.decodeIfPresent([String: Attachment?].self, forKey: .networks)
      aliases = (named ?? [:]).mapValues { $0?.aliases ?? [] }
    }

    /// Whether the proxy finds a service there.
    func answers(_ upstream: URL, to route: StackRoute, as name: String, on addresses: [String]) -> Bool {
      let host = upstream.host ?? ""
      if isOnHost {
        return upstream.port == route.port && (["127.0.0.1", "host.docker.internal"] + addresses).contains(host)
      }
      // A page of the proxy's own container, and what is on the proxy's network.
      if host == name || aliases["bootstead-hub"]?.contains(host) == true { return upstream.port == route.port }
      return (["127.0.0.1"] + addresses).contains(host)
        && ports.contains {
          $0.address == host && $0.published == upstream.port.map(String.init) && $0.target == route.port
        }
    }
  }

  var services: [String: Service]

  init(_ text: String) throws { self = try JSONDecoder().decode(ExampleCompose.self, from: Data(text.utf8)) }
}
