import StackSet

/// What a template says of itself to Bootstead: the key `x-bootstead` of its Compose file.
public struct StackDescription: Sendable {
  public enum Identity: String, Sendable, CaseIterable {
    /// Its containers run as whom the machine's policy names.
    case fixed
    /// As the user of the image.
    case image
    /// As root, which has a reason.
    case root
  }

  public struct Volume: Sendable {
    public var name: String
    public var line: Int
    public var placement: PlacementClass
    /// As seen in the container.
    public var owner: StackOwner?
    public var isShared: Bool
    /// With ``isShared``: below the class's folder.
    public var path: String
    public var isBackedUp: Bool
    /// Bytes.
    public var size: UInt64?
  }

  public struct Route: Sendable {
    public var line: Int
    public var name: String
    public var service: String
    public var port: Int
    public var scheme: StackRoute.Scheme
    public var exposure: StackExposure
  }

  public struct Port: Sendable {
    public enum Kind: String, Sendable, CaseIterable {
      case hub, dns, vpn, discovery
      case portForward = "port-forward"
    }
    public var line: Int
    public var service: String
    public var port: Int
    public var transport: String
    public var kind: Kind
  }

  public struct Secret: Sendable {
    public var name: String
    public var line: Int
    public var delivery: StackSecret.Delivery
    public var generate: StackSecret.Generation?
    public var description: String
  }

  public struct Privilege: Sendable {
    public var line: Int
    public var service: String
    public var what: String
    public var reason: String
  }

  public struct Hook: Sendable {
    public var line: Int
    public var service: String
    public var command: [String]
    /// `output`, `input` or `expect`.
    public var text: String?
  }

  public struct Backup: Sendable {
    public var line: Int
    public var quiesce: StackBackup.Quiesce
    public var dump: [Hook]
    public var restore: [Hook]
    public var verify: [Hook]
    public var exclude: [LinedText]
  }

  public struct Monitor: Sendable {
    public var line: Int
    public var service: String
    public var type: StackMonitor.Kind
    public var port: Int?
    public var path: String?
    public var status: Int?
    public var command: [String]?
  }

  public struct Kubernetes: Sendable {
    public var line: Int
    public var isCandidate: Bool
    public var reason: String
  }

  public var line: Int
  public var function: String
  public var implementation: String
  public var description: String
  public var order: Int
  public var architectures: [LinedText]
  public var parameters: [StackParameter]
  public var allowsInstances: Bool
  public var volumes: [Volume]
  public var identity: Identity
  public var identityReason: String?
  public var routes: [Route]
  public var ports: [Port]
  public var secrets: [Secret]
  public var privileges: [Privilege]
  public var dependsOn: [LinedText]
  public var backup: Backup?
  public var monitors: [Monitor]
  public var kubernetes: Kubernetes?
}

/// What an operator may choose of a stack.
public struct StackParameter: Sendable {
  public enum Kind: String, Sendable, CaseIterable { case string, integer, boolean, choice, list }

  public var name: String
  public var line: Int
  public var type: Kind
  /// The variable of the Compose file that gets the value.
  public var variable: String
  public var standard: StackParameterValue?
  public var choices: [String]
  public var minimum: Int?
  public var maximum: Int?
  /// With `gpu`: the services that get it.
  public var services: [LinedText]
  public var description: String

  /// The parameter that gives services a graphics processor.
  public static let gpu = "gpu"
}

/// What an operator chose.
public enum StackParameterValue: Hashable, Sendable {
  case string(String)
  case integer(Int)
  case boolean(Bool)
  case list([String])

  /// As a variable of the Compose file has it; lists are joined by commas.
  public var text: String {
    switch self {
    case .string(let text): text
    case .integer(let number): String(number)
    case .boolean(let value): value ? "true" : "false"
    case .list(let texts): texts.joined(separator: ",")
    }
  }
}
