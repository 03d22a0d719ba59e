public import NetworkAddress
public import TFTP

/// Something that a client asked for or got.
public enum TFTPEvent: Sendable, Equatable {
  case started(TFTPTransferStart)
  case ended(TFTPTransferReport)
  case refused(TFTPRefusal)
}

public struct TFTPTransferStart: Sendable, Equatable {
  public let peer: IPv4Address
  public let peerPort: Int
  public let name: String
  /// In bytes.
  public let size: Int
}

public struct TFTPTransferReport: Sendable, Equatable {
  public let peer: IPv4Address
  public let peerPort: Int
  public let name: String
  /// In bytes.
  public let size: Int
  public let agreement: TFTPAgreement
  public let counts: TFTPTransferCounts
  public let duration: Duration
  public let outcome: TFTPOutcome

  /// Payload of all blocks, those sent again included.
  public var bytesSent: Int { counts.payloadBytes }
  public var blocksResent: Int { counts.blocksSentAgain }
}

/// A request that got no file.
public struct TFTPRefusal: Sendable, Equatable {
  public enum Reason: Sendable, Equatable {
    case notFound
    case badName(TFTPNameError)
    /// `netascii` or `mail`: boot loaders are not text.
    case unsupportedMode
    case writeRequest
    case malformed(TFTPParseError)
    /// A packet that belongs to a transfer came to the port for requests.
    case notARequest
    case tooManyTransfers
    case notServed
    case noSocket(String)
  }

  public let peer: IPv4Address
  public let peerPort: Int
  /// At most 100 printable characters.
  public let name: String?
  public let reason: Reason
}

/// What a server did since it was made.
public struct TFTPCounters: Sendable, Equatable {
  public var requests = 0
  public var refused = 0
  public var tooMany = 0
  public var started = 0
  public var succeeded = 0
  public var failed = 0
  /// Payload of all blocks sent, in bytes.
  public var bytesSent = 0
  public var blocksResent = 0
  /// Packets to a transfer's port from somebody else.
  public var strangers = 0
  public var running = 0

  public init() {}
}
