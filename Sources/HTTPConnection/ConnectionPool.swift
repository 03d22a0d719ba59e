import NIOCore
import Synchronization

/// Connections between two requests.
final class ConnectionPool: Sendable {
  private struct State {
    var idle: [Connection] = []
    var isClosed = false
  }

  private let state = Mutex(State())
  private let limit: Int

  init(limit: Int) { self.limit = limit }

  deinit { close() }

  /// The connection that was used last, if one is still open.
  func take() -> Connection? {
    let connection = state.withLock { state -> Connection? in
      while let connection = state.idle.popLast() {
        if connection.channel.isActive { return connection }
      }
      return nil
    }
    connection?.becomeBusy()
    return connection
  }

  func give(back connection: Connection) {
    connection.becomeIdle()
    let superfluous = state.withLock { state -> Connection? in
      guard !state.isClosed else { return connection }
      state.idle.append(connection)
      return state.idle.count > limit ? state.idle.removeFirst() : nil
    }
    superfluous?.close()
  }

  func close() {
    let idle = state.withLock { state in
      defer { state.idle = [] }
      state.isClosed = true
      return state.idle
    }
    for connection in idle { connection.close() }
  }
}
