/// Things to do, by time; those of one moment in the order in which they were added.
struct EventQueue {
  private struct Event {
    let moment: Duration
    let number: Int
    let action: () -> Void

    func comes(before other: Event) -> Bool { (moment, number) < (other.moment, other.number) }
  }

  /// A binary heap.
  private var events: [Event] = []
  private var next = 0

  var nextMoment: Duration? { events.first?.moment }

  mutating func add(at moment: Duration, _ action: @escaping () -> Void) {
    next += 1
    events.append(Event(moment: moment, number: next, action: action))
    var position = events.count - 1
    while position > 0, events[position].comes(before: events[(position - 1) / 2]) {
      events.swapAt(position, (position - 1) / 2)
      position = (position - 1) / 2
    }
  }

  mutating func popFirst() -> (moment: Duration, action: () -> Void)? {
    guard let first = events.first else { return nil }
    let last = events.removeLast()
    if !events.isEmpty {
      events[0] = last
      var position = 0
      while true {
        let children = (2 * position + 1..<min(2 * position + 3, max(events.count, 2 * position + 1)))
        guard let child = children.min(by: { events[$0].comes(before: events[$1]) }),
          events[child].comes(before: events[position])
        else { break }
        events.swapAt(position, child)
        position = child
      }
    }
    return (first.moment, first.action)
  }
}
