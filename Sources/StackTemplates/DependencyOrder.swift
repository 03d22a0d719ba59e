/// Orders names so that each comes after those that it needs.
enum DependencyOrder {
  /// A circle, from its alphabetically first name; nil where there is none. Names that are no keys are passed over.
  static func circle(in edges: [String: [String]]) -> [String]? {
    var remaining = edges.mapValues { needs in Set(needs.filter { edges[$0] != nil }) }
    while true {
      let free = remaining.filter { $0.value.isEmpty }.keys
      if free.isEmpty { break }
      for name in free { remaining[name] = nil }
      for name in remaining.keys { remaining[name]?.subtract(free) }
    }
    // What is left waits for a circle or is in one: following needs leads into it.
    guard var name = remaining.keys.min() else { return nil }
    var path: [String] = []
    while !path.contains(name) {
      path.append(name)
      guard let next = remaining[name]?.min() else { return nil }
      name = next
    }
    let circle = Array(path[(path.firstIndex(of: name) ?? 0)...])
    let start = circle.indices.min { circle[$0] < circle[$1] } ?? 0
    return Array(circle[start...] + circle[..<start])
  }

  /// All names; of those that could be next, the first by `order`, then by name. There has to be no circle.
  static func sorted(_ edges: [String: [String]], order: [String: Int]) -> [String] {
    var remaining = edges.mapValues { needs in Set(needs.filter { edges[$0] != nil }) }
    var result: [String] = []
    while let next = remaining.filter({ $0.value.isEmpty }).keys.min(by: {
      (order[$0] ?? 0, $0) < (order[$1] ?? 0, $1)
    }) {
      result.append(next)
      remaining[next] = nil
      for name in remaining.keys { remaining[name]?.remove(next) }
    }
    return result
  }
}
