import Foundation
import NIOCore
import NIOPosix
import SeededNumbers
import Synchronization

/// The network cable of one machine, with faults: loss, delay, doubled and overtaking packets, a low rate, or cut.
///
/// QEMU hands each Ethernet frame to this program before the frame goes on (`filter-redirector`), so that no qdisc is
/// needed, which the kernel of a small or virtual host does not have. Random decisions come from a seed.
public final class LabCable: Sendable {
  public enum Direction: String, Sendable, CaseIterable { case toMachine, toNetwork }

  private struct Line {
    /// When the frame before this one is through.
    var freeAt = NIODeadline.now()
    var lastArrival = NIODeadline.now()
    var sink: (any Channel)?
    var traffic = LabCableTraffic()
  }

  private struct State {
    var conditions: LabCableConditions
    var generator: SeededGenerator
    var lines: [Direction: Line] = [:]
  }

  private let state: Mutex<State>
  private let folder: String
  private let loop: any EventLoop
  private let listeners = Mutex<[any Channel]>([])

  private init(seed: UInt64, conditions: LabCableConditions, folder: String) {
    state = Mutex(State(conditions: conditions, generator: SeededGenerator(seed: seed)))
    self.folder = folder
    loop = MultiThreadedEventLoopGroup.singleton.next()
  }

  /// Makes the cable; machines are plugged in by their configuration, one at a time.
  public static func start(seed: UInt64, conditions: LabCableConditions = LabCableConditions()) async throws
    -> LabCable
  {
    // Not in the lab's folder: the path of a Unix socket has at most 107 bytes.
    let name = "bootstead-cable-\(String(UInt64.random(in: 0...UInt64.max), radix: 36))"
    let folder = FileManager.default.temporaryDirectory.path + "/" + name
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let cable = LabCable(seed: seed, conditions: conditions, folder: folder)
    do {
      for direction in Direction.allCases {
        for isSource in [true, false] {
          let listener = try await ServerBootstrap(group: cable.loop)
            .childChannelInitializer { channel in
              channel.eventLoop.makeCompletedFuture {
                if isSource {
                  try channel.pipeline.syncOperations.addHandler(
                    FrameReader { [weak cable] in cable?.carry($0, direction) })
                } else {
                  cable.state.withLock { $0.lines[direction, default: Line()].sink = channel }
                }
              }
            }
            .bind(unixDomainSocketPath: cable.path(direction, isSource: isSource)).get()
          cable.listeners.withLock { $0.append(listener) }
        }
      }
    } catch {
      await cable.stop()
      throw error
    }
    return cable
  }

  /// Pulls the cable out for good.
  public func stop() async {
    let open = listeners.withLock { listeners in
      defer { listeners = [] }
      return listeners
    }
    for listener in open { try? await listener.close() }
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// In force from the next frame on.
  public var conditions: LabCableConditions {
    get { state.withLock { $0.conditions } }
    set { state.withLock { $0.conditions = newValue } }
  }

  /// What went through it since its start.
  public func traffic(_ direction: Direction) -> LabCableTraffic {
    state.withLock { $0.lines[direction]?.traffic ?? LabCableTraffic() }
  }

  private func path(_ direction: Direction, isSource: Bool) -> String {
    "\(folder)/\(direction.rawValue).\(isSource ? "out" : "in")"
  }

  /// QEMU's arguments to lead all frames of a network device through this cable.
  func arguments(netdev: String) -> [String] {
    Direction.allCases.flatMap { direction in
      let name = "cable-\(direction.rawValue)"
      return [
        "-chardev", "socket,id=\(name)-out,path=\(path(direction, isSource: true))",
        "-chardev", "socket,id=\(name)-in,path=\(path(direction, isSource: false))",
        // QEMU's queues are the network device's: what it receives comes from the machine.
        "-object",
        "filter-redirector,id=\(name),netdev=\(netdev),queue=\(direction == .toMachine ? "tx" : "rx"),"
          + "outdev=\(name)-out,indev=\(name)-in",
      ]
    }
  }

  private func carry(_ frame: ByteBuffer, _ direction: Direction) {
    let now = NIODeadline.now()
    let (arrivals, sink) = state.withLock { state -> ([NIODeadline], (any Channel)?) in
      var line = state.lines[direction, default: Line()]
      let arrivals = Self.arrivals(
        frame.readableBytes, direction, now: now, &line, state.conditions, &state.generator)
      line.traffic.frames += 1
      line.traffic.dropped += arrivals.isEmpty ? 1 : 0
      line.traffic.bytes += arrivals.isEmpty ? 0 : frame.readableBytes
      state.lines[direction] = line
      return (arrivals, line.sink)
    }
    guard let sink else { return }
    var packet = ByteBuffer()
    packet.writeInteger(UInt32(frame.readableBytes))
    packet.writeImmutableBuffer(frame)
    let whole = packet
    for arrival in arrivals {
      if arrival <= now {
        sink.writeAndFlush(whole, promise: nil)
      } else {
        loop.scheduleTask(deadline: arrival) { sink.writeAndFlush(whole, promise: nil) }
      }
    }
  }

  /// When a frame arrives: never, once or twice.
  private static func arrivals(
    _ size: Int, _ direction: Direction, now: NIODeadline, _ line: inout Line, _ conditions: LabCableConditions,
    _ generator: inout SeededGenerator
  ) -> [NIODeadline] {
    guard !conditions.isCut, !generator.chance(conditions.loss) else { return [] }
    var departure = now
    if let rate = conditions.bytesPerSecond {
      departure = max(now, line.freeAt)
      // As a switch does whose buffer is full.
      guard departure - now < TimeAmount(conditions.longestQueue) else { return [] }
      departure = departure + .nanoseconds(Int64(size) * 1_000_000_000 / Int64(max(rate, 1)))
      line.freeAt = departure
    }
    return (0..<(generator.chance(conditions.duplication) ? 2 : 1)).map { _ in
      var arrival = departure
      if direction == .toMachine {
        arrival = arrival + TimeAmount(conditions.delay - conditions.jitter)
        arrival = arrival + TimeAmount(generator.duration(upTo: conditions.jitter * 2))
      }
      arrival = max(arrival, line.lastArrival)
      line.lastArrival = arrival
      // What overtakes is what came later: this frame waits, and no other one for it.
      return generator.chance(conditions.reordering) ? arrival + TimeAmount(conditions.hold) : arrival
    }
  }
}

/// Takes QEMU's stream apart: a length of four bytes, big-endian, before each frame (net/socket.c).
private final class FrameReader: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  private var pending = ByteBuffer()
  private let handle: (ByteBuffer) -> Void

  init(_ handle: @escaping (ByteBuffer) -> Void) { self.handle = handle }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    pending.writeImmutableBuffer(unwrapInboundIn(data))
    while let length = pending.getInteger(at: pending.readerIndex, as: UInt32.self) {
      guard length <= 1 << 20 else { return context.close(promise: nil) }
      guard pending.readableBytes >= 4 + Int(length) else { break }
      pending.moveReaderIndex(forwardBy: 4)
      if let frame = pending.readSlice(length: Int(length)) { handle(frame) }
    }
    pending.discardReadBytes()
  }
}
