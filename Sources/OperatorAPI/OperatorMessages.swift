import Foundation

/// The refusal of a request: a sentence with the way out.
public struct ErrorAnswer: Codable, Sendable {
  public var error: String
  public init(error: String) { self.error = error }
}

/// `POST /v1/closures`
public struct ImportClosure: Codable, Sendable {
  /// A directory on the appliance in the layout of `nix copy --to file://…`.
  public var directory: String
  /// Store paths to take; empty takes all.
  public var roots: [String]
  /// Keys that must have signed each path; empty trusts the directory.
  public var trustedKeys: [String]

  public init(directory: String, roots: [String], trustedKeys: [String]) {
    (self.directory, self.roots, self.trustedKeys) = (directory, roots, trustedKeys)
  }
}

/// One line of the answer to `POST /v1/closures`.
public struct ImportLine: Codable, Sendable {
  public var pathsDone: Int?
  public var pathsTotal: Int?
  public var bytesDone: UInt64?
  public var bytesTotal: UInt64?
  /// Store paths that are roots of what was imported; on the last line.
  public var roots: [String]?
  public var error: String?

  public init() {}
}

/// A closure in the appliance's cache.
public struct ClosureRow: Codable, Sendable {
  public var root: String
  public var paths: Int
  public var narSize: UInt64
  public var fileSize: UInt64
  public var usedBy: [String]
}

/// `GET /v1/closures/ROOT`
public struct ClosureContent: Codable, Sendable {
  public struct Path: Codable, Sendable {
    public var path: String
    public var narSize: UInt64
    public var references: Int
  }
  public var root: String
  public var publicKey: String
  public var paths: [Path]
}

/// `POST /v1/closures/gc`
public struct GarbageAnswer: Codable, Sendable {
  public var removedPaths: Int
  public var freedBytes: UInt64
}

/// `POST /v1/images`
public struct AddImage: Codable, Sendable {
  public var name: String
  public var kernel: String
  public var initrd: String
  public init(name: String, kernel: String, initrd: String) {
    (self.name, self.kernel, self.initrd) = (name, kernel, initrd)
  }
}

/// `POST /v1/loaders`
public struct AddLoader: Codable, Sendable {
  public var name: String
  public var file: String
  public var architecture: String
  public var features: [String]
  public init(name: String, file: String, architecture: String, features: [String]) {
    (self.name, self.file, self.architecture, self.features) = (name, file, architecture, features)
  }
}

/// `POST /v1/tokens`
public struct TokenRequest: Codable, Sendable {
  /// 1 to 3650.
  public var days: Int

  public init(days: Int) { self.days = days }
}

public struct TokenAnswer: Codable, Sendable {
  /// Shown once; the appliance keeps only its hash.
  public var token: String
  public var expiresAt: Date
}

/// `DELETE /v1/tokens`
public struct TokensRevoked: Codable, Sendable {
  /// Those that were still good.
  public var revoked: Int
}

/// `GET` and `PUT /v1/enrolment`
public struct EnrolmentSetting: Codable, Sendable {
  public var enrolment: String
  public init(enrolment: String) { self.enrolment = enrolment }
}

/// `GET /v1/status`
public struct StatusAnswer: Codable, Sendable {
  public var version: String
  public var startedAt: Date
  public var addresses: [String]
  public var httpPort: Int
  public var enrolment: String
  public var cachePublicKey: String
  public var machines: [String: Int]
  /// Counters of the boot services by name.
  public var counters: [String: Int]
  /// Other servers that were seen to disturb network boots, a sentence each.
  public var otherServers: [String]
  /// What nodes say is to be seen to, a sentence each, beginning with the machine's name.
  public var alarms: [String]?

  public init(
    version: String, startedAt: Date, addresses: [String], httpPort: Int, enrolment: String, cachePublicKey: String,
    machines: [String: Int], counters: [String: Int], otherServers: [String] = [],
    alarms: [String]? = nil
  ) {
    self.version = version
    self.startedAt = startedAt
    self.addresses = addresses
    self.httpPort = httpPort
    self.enrolment = enrolment
    self.cachePublicKey = cachePublicKey
    self.machines = machines
    self.counters = counters
    self.otherServers = otherServers
    self.alarms = alarms
  }
}

/// Why a machine got what it got: newest first.
public struct WhyAnswer: Codable, Sendable {
  public struct Row: Codable, Sendable {
    public var at: Date
    /// The decision as the boot service took it.
    public var decision: String
  }
  public var machine: String
  public var state: String
  public var reason: String?
  public var decisions: [Row]
  /// What its node was asked for last, a sentence each.
  public var tasks: [String]?
}
