import NIOCore
import NetworkAddress
import Synchronization
import TFTP

/// Which transfers run, and how many more may.
final class TransferTable: Sendable {
  /// How far a transfer is; the less a client did for it, the sooner it makes room.
  enum Phase: Int, Comparable {
    case unheard, lingering, running
    static func < (left: Phase, right: Phase) -> Bool { left.rawValue < right.rawValue }
  }

  private struct Entry {
    let number: Int
    var phase: Phase
    var channel: (any Channel)?
    let request: TFTPRequest
    let requestedAt: ContinuousClock.Instant
  }

  private struct State {
    var entries: [PeerAddress: Entry] = [:]
    var perPeer: [IPv4Address: Int] = [:]
    var next = 0
  }

  enum Admission {
    /// The number tells this transfer from a later one of the same client and port.
    case start(number: Int, end: (channel: any Channel, outcome: TFTPOutcome)?)
    /// The same request again, from a client that has not answered yet or whose transfer has only just begun.
    case repeated(any Channel)
    /// As before, but its socket is just being made.
    case pending
    case tooMany
  }

  private let limit: Int
  private let limitPerPeer: Int
  private let repeatWindow: Duration
  private let state = Mutex(State())

  init(limit: Int, limitPerPeer: Int, repeatWindow: Duration) {
    self.limit = max(limit, 1)
    self.limitPerPeer = max(limitPerPeer, 1)
    self.repeatWindow = repeatWindow
  }

  func admit(_ peer: PeerAddress, _ request: TFTPRequest) -> Admission {
    let now = ContinuousClock.now
    return state.withLock { state in
      var ended: (any Channel, TFTPOutcome)?
      if let entry = state.entries[peer] {
        if entry.request == request, isRepeat(entry, now) {
          return entry.channel.map { .repeated($0) } ?? .pending
        }
        guard let channel = TransferTable.remove(peer, &state) else { return .pending }
        ended = (channel, .restarted)
      } else if state.perPeer[peer.address, default: 0] >= limitPerPeer {
        guard let victim = TransferTable.victim(state, where: { $0.address == peer.address }),
          let channel = TransferTable.remove(victim, &state)
        else { return .tooMany }
        ended = (channel, .replaced)
      } else if state.entries.count >= limit {
        guard let victim = TransferTable.victim(state, where: { _ in true }),
          let channel = TransferTable.remove(victim, &state)
        else { return .tooMany }
        ended = (channel, .replaced)
      }
      state.next += 1
      state.entries[peer] = Entry(number: state.next, phase: .unheard, channel: nil, request: request, requestedAt: now)
      state.perPeer[peer.address, default: 0] += 1
      return .start(number: state.next, end: ended)
    }
  }

  /// A lost or late answer makes a client ask again; its transfer must not begin anew for that. Once everything was
  /// delivered, the same request is for the file once more.
  private func isRepeat(_ entry: Entry, _ now: ContinuousClock.Instant) -> Bool {
    switch entry.phase {
    case .unheard: true
    case .running: now - entry.requestedAt < repeatWindow
    case .lingering: false
    }
  }

  /// False where the transfer was removed in the meantime.
  func attach(_ channel: any Channel, to peer: PeerAddress, number: Int) -> Bool {
    state.withLock { state in
      guard state.entries[peer]?.number == number else { return false }
      state.entries[peer]?.channel = channel
      return true
    }
  }

  func advance(_ peer: PeerAddress, number: Int, to phase: Phase) {
    state.withLock { state in
      if state.entries[peer]?.number == number { state.entries[peer]?.phase = phase }
    }
  }

  func remove(_ peer: PeerAddress, number: Int) {
    state.withLock { state in
      if state.entries[peer]?.number == number { _ = TransferTable.remove(peer, &state) }
    }
  }

  var count: Int { state.withLock { $0.entries.count } }
  var channels: [any Channel] { state.withLock { $0.entries.values.compactMap(\.channel) } }

  /// The oldest of those that may go: not heard yet (perhaps forged), or only waiting for the last acknowledgement.
  private static func victim(_ state: State, where isCandidate: (PeerAddress) -> Bool) -> PeerAddress? {
    var found: (peer: PeerAddress, entry: Entry)?
    for (peer, entry) in state.entries
    where entry.phase != .running && entry.channel != nil && isCandidate(peer) {
      if let best = found?.entry, (best.phase, best.number) < (entry.phase, entry.number) { continue }
      found = (peer, entry)
    }
    return found?.peer
  }

  private static func remove(_ peer: PeerAddress, _ state: inout State) -> (any Channel)? {
    guard let entry = state.entries.removeValue(forKey: peer) else { return nil }
    let left = state.perPeer[peer.address, default: 1] - 1
    state.perPeer[peer.address] = left > 0 ? left : nil
    return entry.channel
  }
}
