/// The times and counts of a transfer. The defaults suit boot firmware, whose own patience is 4 s × 6 (EDK2),
/// 0.4 s × 40 (GRUB) or 5 s (U-Boot).
public struct TFTPTiming: Hashable, Sendable {
  /// Until the first re-send; doubles up to ``longestRetransmission``. A `timeout` option replaces it.
  public var retransmission: Duration = .seconds(1)
  public var longestRetransmission: Duration = .seconds(8)
  /// The earliest re-send of the last block of a window, which asks the client where it is; never below it however
  /// fast the client answers.
  public var earliestProbe: Duration = .milliseconds(200)
  /// Without any progress for so long, the transfer ends.
  public var patience: Duration = .seconds(30)
  /// How often the first packet is sent at most before the client was heard: a forged request must not make the
  /// server send much to somebody else.
  public var firstPacketSends = 3
  /// The client must have been heard after so long.
  public var firstAnswer: Duration = .seconds(10)
  /// Re-sends of the last window. Some clients never send the last acknowledgement.
  public var lastWindowResends = 4
  /// Re-sends of any other window.
  public var resends = 10

  public init() {}
}
