/// What the network does to each datagram on its way to each receiver.
struct NetworkConditions: Sendable, CustomStringConvertible {
  var description: String
  var latency = Duration.microseconds(200)
  /// Shares, 0 to 1.
  var loss = 0.0
  var duplication = 0.0
  var reordering = 0.0
  /// The longest that a reordered datagram is held back.
  var hold = Duration.milliseconds(3)
  /// The longest queue on the way. Datagrams of one sender to one receiver keep their order in it.
  var delay = Duration.zero

  static let clean = NetworkConditions(description: "clean")
  static let lossy = NetworkConditions(description: "5 % loss", loss: 0.05)
  static let duplicating = NetworkConditions(description: "10 % duplicated", duplication: 0.1)
  static let reordering = NetworkConditions(description: "10 % reordered", reordering: 0.1)
  /// Both ways together 1.5 s: iPXE waits no longer than 2 s for a proxy.
  static let delaying = NetworkConditions(description: "replies after up to 1.5 s", delay: .milliseconds(750))
  static let rough = NetworkConditions(
    description: "5 % loss, 5 % duplicated, 5 % reordered", loss: 0.05, duplication: 0.05, reordering: 0.05)

  static let all: [NetworkConditions] = [clean, lossy, duplicating, reordering, delaying, rough]
}
