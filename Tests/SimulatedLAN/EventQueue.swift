/// Things to do, by time; those of one moment in the order in which they were added.
struct EventQueue {
  private struct Event {
    let moment: Duration
    let number: Int
    let action: () -> Void

    func comes(before other: Event) -> Bool {
      moment == other.moment ? number < other.number : moment < other.moment
    }
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
        var child = 2 * position + 1
        if child + 1 < events.count, events[child + 1].comes(before: events[child]) { child += 1 }
        guard child < events.count, events[child].comes(before: events[position])
        else { break }
        events.swapAt(position, child)
        position = child
      }
    }
    return (first.moment, first.action)
  }
}
