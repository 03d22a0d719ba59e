/// What a cable does to frames. Loss, doubling and overtaking happen in both directions.
public struct LabCableConditions: Sendable, Hashable {
  /// Probabilities of a frame, 0 to 1.
  public var loss: Double
  public var duplication: Double
  public var reordering: Double
  /// How long a frame is held back that others overtake.
  public var hold: Duration
  /// Towards the machine, so that it is the longer round trip too; give or take the jitter.
  public var delay: Duration
  public var jitter: Duration
  /// In each direction; nil is as fast as the host.
  public var bytesPerSecond: Int?
  /// At a limited rate, the longest that a frame waits for its turn before it is dropped.
  public var longestQueue: Duration
  /// Nothing gets through. The link stays up, as with a switch between that lost its power.
  public var isCut: Bool

  public init(
    loss: Double = 0, duplication: Double = 0, reordering: Double = 0, hold: Duration = .milliseconds(20),
    delay: Duration = .zero, jitter: Duration = .zero, bytesPerSecond: Int? = nil,
    longestQueue: Duration = .milliseconds(400), isCut: Bool = false
  ) {
    self.loss = loss
    self.duplication = duplication
    self.reordering = reordering
    self.hold = hold
    self.delay = delay
    self.jitter = jitter
    self.bytesPerSecond = bytesPerSecond
    self.longestQueue = longestQueue
    self.isCut = isCut
  }
}

/// What went through a cable in one direction.
public struct LabCableTraffic: Sendable, Hashable {
  public var frames = 0
  public var dropped = 0
  /// Of the frames that arrived, each counted once.
  public var bytes = 0
}
