import AgentProtocol
import FoundationEssentials

/// How full the pools were in the last weeks.
public struct PoolHistory: Sendable, Hashable, Codable {
  public struct Sample: Sendable, Hashable, Codable {
    public var time: Date
    public var pool: String
    public var usedBytes: Double
    public var metadataPercent: Double?

    public init(time: Date, pool: String, usedBytes: Double, metadataPercent: Double? = nil) {
      self.time = time
      self.pool = pool
      self.usedBytes = usedBytes
      self.metadataPercent = metadataPercent
    }
  }

  /// Older samples go.
  public static let keptSeconds = 30.0 * 86400
  /// Of each pool. Later ones within this time are not kept: `storage show` may be called every minute.
  public static let intervalSeconds = 3600.0

  public var schema = 1
  /// The newest last.
  public var samples: [Sample] = []

  public init(samples: [Sample] = []) { self.samples = samples }

  public static func read(_ folders: NodeFolders) throws(NodeWorkError) -> PoolHistory {
    try DurableFile.value(PoolHistory.self, at: folders.poolHistory) ?? PoolHistory()
  }

  public mutating func add(_ pools: [PoolUse], now: Date = .now) {
    for pool in pools {
      let last = samples.last { $0.pool == pool.name }
      if let last, abs(now.timeIntervalSince(last.time)) < Self.intervalSeconds { continue }
      samples.append(
        Sample(
          time: now, pool: pool.name, usedBytes: Double(pool.bytes) * pool.dataPercent / 100,
          metadataPercent: pool.metadataPercent))
    }
    // A clock that was wrong leaves samples of the future.
    samples.removeAll { abs(now.timeIntervalSince($0.time)) > Self.keptSeconds }
  }

  /// Adds what is so now, in the agent's folder.
  @discardableResult
  public static func record(
    _ pools: [PoolUse], in folders: NodeFolders, now: Date = .now
  ) throws(NodeWorkError) -> PoolHistory {
    var history = try read(folders)
    let before = history
    history.add(pools, now: now)
    if history != before { try DurableFile.writeJSON(history, to: folders.poolHistory) }
    return history
  }
}

/// When a pool is full, if it goes on as in the last days.
public struct PoolForecast: Sendable, Hashable, Codable {
  public enum Outlook: String, Sendable, Hashable, Codable {
    /// There are too few samples, or they are of too short a time.
    case unknown
    /// It does not grow.
    case steady
    case growing
  }

  /// How far samples are looked at, and how far they have to reach.
  public static let windowSeconds = 14.0 * 86400
  public static let minimumSeconds = 2.0 * 86400
  public static let minimumSamples = 3
  /// There is an alarm where it is full within this time.
  public static let alarmSeconds = 7.0 * 86400

  public var pool: String
  public var outlook: Outlook
  public var bytesPerDay: Double?
  public var fullAt: Date?
  /// By its metadata, of a thin pool.
  public var metadataFullAt: Date?

  public init(_ use: PoolUse, history: PoolHistory, now: Date = .now) {
    pool = use.name
    outlook = .unknown
    let samples = history.samples.filter {
      $0.pool == use.name && (0...Self.windowSeconds).contains(now.timeIntervalSince($0.time))
    }
    guard let first = samples.first, let last = samples.last, samples.count >= Self.minimumSamples,
      last.time.timeIntervalSince(first.time) >= Self.minimumSeconds
    else { return }
    func full(_ points: [(Date, Double)], now used: Double, of size: Double) -> (rate: Double, at: Date?) {
      let rate = Self.slope(points.map { ($0.0.timeIntervalSince(first.time), $0.1) })
      let seconds = (size - used) / rate
      // Beyond a hundred years, or never.
      guard rate > 0, seconds < 100 * 365 * 86400 else { return (rate, nil) }
      return (rate, now.addingTimeInterval(max(0, seconds)))
    }
    let size = Double(use.bytes)
    let data = full(samples.map { ($0.time, $0.usedBytes) }, now: size * use.dataPercent / 100, of: size)
    bytesPerDay = data.rate * 86400
    fullAt = data.at
    if let percent = use.metadataPercent {
      let points = samples.compactMap { sample in sample.metadataPercent.map { (sample.time, $0) } }
      if points.count >= Self.minimumSamples { metadataFullAt = full(points, now: percent, of: 100).at }
    }
    outlook = fullAt == nil && metadataFullAt == nil ? .steady : .growing
  }

  /// The straight line that lies nearest to the points.
  private static func slope(_ points: [(Double, Double)]) -> Double {
    let count = Double(points.count)
    let (x, y) = (points.reduce(0) { $0 + $1.0 } / count, points.reduce(0) { $0 + $1.1 } / count)
    let square = points.reduce(0) { $0 + ($1.0 - x) * ($1.0 - x) }
    return square > 0 ? points.reduce(0) { $0 + ($1.0 - x) * ($1.1 - y) } / square : 0
  }

  /// `full about 2026-03-01T00:00:00Z (1.5 GiB a day)`
  public var text: String {
    switch outlook {
    case .unknown: return "full when: unknown, too few days are on record"
    case .steady: return "full when: never at the rate of the last days"
    case .growing:
      var parts: [String] = []
      if let fullAt {
        let rate = PoolUse.text((bytesPerDay ?? 0) / Double(1 << 30))
        parts.append("full about \(fullAt.formatted(.iso8601)), growing \(rate) GiB a day")
      }
      if let metadataFullAt { parts.append("its metadata about \(metadataFullAt.formatted(.iso8601))") }
      return parts.joined(separator: ", ")
    }
  }

  func findings(now: Date) -> [NodeAlarm] {
    var found: [NodeAlarm] = []
    for (what, date) in [("the pool \(pool)", fullAt), ("the metadata of the pool \(pool)", metadataFullAt)] {
      guard let date, date.timeIntervalSince(now) < Self.alarmSeconds else { continue }
      found.append(
        NodeAlarm(
          subject: "forecast: \(what)",
          text: "\(what) is full about \(date.formatted(.iso8601)) if it goes on as in the last days; extend it"))
    }
    return found
  }
}
