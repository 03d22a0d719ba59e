/// What client and server agreed on for one transfer.
public struct TFTPAgreement: Hashable, Sendable {
  /// Bytes of payload in each block but the last: 8 to 65464 (RFC 2348).
  public let blockSize: Int
  /// Blocks sent before an acknowledgement is awaited: 1 to 65535 (RFC 7440).
  public let windowSize: Int
  /// Seconds until a block is sent again, where the client asked for it: 1 to 255 (RFC 2349).
  public let timeoutSeconds: Int?
  /// What the option acknowledgement says; empty where there is none and the first block is sent at once.
  public let acknowledged: [TFTPOption]

  /// Agrees to the options of a request for a file of `size` bytes.
  ///
  /// Only options of the request are answered, since firmware refuses others ("Malformatted OACK", syslinux
  /// EOPTNEG); `timeout` is answered unchanged, since U-Boot aborts on another value; a value outside of its RFC's
  /// range and an unknown option are left out (RFC 2347); of an option given twice the first counts.
  public init(options: [TFTPOption], size: Int, limits: TFTPLimits = TFTPLimits()) {
    var blockSize = 512
    var windowSize = 1
    var timeoutSeconds: Int?
    var acknowledged: [TFTPOption] = []
    var seen: Set<TFTPOption.Kind> = []
    for option in options {
      guard let kind = option.kind, seen.insert(kind).inserted, let number = option.number else { continue }
      let answer: Int
      switch kind {
      case .blockSize:
        guard (8...65464).contains(number) else { continue }
        blockSize = min(number, limits.blockSize)
        answer = blockSize
      case .windowSize:
        guard (1...65535).contains(number) else { continue }
        windowSize = min(number, limits.windowSize)
        answer = windowSize
      case .timeout:
        guard (1...255).contains(number) else { continue }
        timeoutSeconds = number
        answer = number
      case .transferSize:
        answer = size
      }
      acknowledged.append(TFTPOption(name: option.name, value: Array(String(answer).utf8)))
    }
    self.blockSize = blockSize
    self.windowSize = windowSize
    self.timeoutSeconds = timeoutSeconds
    self.acknowledged = acknowledged
  }
}

/// The most that a server agrees to.
public struct TFTPLimits: Hashable, Sendable {
  /// Bytes: 8 to 65464. 1468 fills a frame of 1500 bytes; many ROMs can not put fragments together.
  public let blockSize: Int
  /// Blocks: 1 to 64.
  public let windowSize: Int

  /// Values outside of their range are brought into it.
  public init(blockSize: Int = 1468, windowSize: Int = 16) {
    self.blockSize = min(max(blockSize, 8), 65464)
    self.windowSize = min(max(windowSize, 1), 64)
  }
}
