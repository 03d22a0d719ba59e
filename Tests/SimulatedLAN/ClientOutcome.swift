import NetworkAddress

/// How a client's boot ended.
enum ClientOutcome: Equatable, Sendable {
  /// It loaded a file of this name, whole and unchanged, from this server.
  case loaded(String, from: IPv4Address)
  /// It runs the script of this URI.
  case script(String)
  case gaveUp(Failure)

  enum Failure: String, Equatable, Sendable {
    case noOffer = "PXE-E16: No valid offer received"
    case noTFTPAnswer = "PXE-E18: Server response timeout"
    case cancelled = "PXE-E21: Remote boot cancelled"
    case tftpError = "PXE-E23: Client received TFTP error from server"
    case noSize = "PXE-E53: No boot filename received"
    case networkError = "PXE-E99: Unexpected network error"
    case missingServerList = "Bad or missing PXE menu and/or prompt information"
    case nothingToBoot = "Nothing to boot: No such file or directory"
    case unsupportedProtocol = "Operation not supported"
    case serverAddressNotSet = "serverip not set"
    case invalidTimeout = "Invalid timeout val"
    case hung = "the ROM took a proxy's acknowledgement for its lease and hangs"
  }
}
