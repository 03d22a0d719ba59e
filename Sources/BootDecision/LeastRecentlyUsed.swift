/// A dictionary of bounded size that drops what was not touched for the longest time. All operations are O(1), so
/// that a flood of keys costs neither memory nor time.
package struct LeastRecentlyUsed<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private struct Node: Sendable {
    var key: Key
    var value: Value
    var newer: Int?
    var older: Int?
  }

  /// At least 1.
  package let capacity: Int
  private var nodes: [Node] = []
  private var positions: [Key: Int] = [:]
  private var newest: Int?
  private var oldest: Int?

  package init(capacity: Int) {
    self.capacity = max(1, capacity)
  }

  package var count: Int { nodes.count }

  /// Reads without touching.
  package func peek(_ key: Key) -> Value? { positions[key].map { nodes[$0].value } }

  /// Changes the value of a key, which becomes the newest; starts from `initial` where there was none.
  package mutating func update<Result>(
    _ key: Key, default initial: @autoclosure () -> Value, _ change: (inout Value) -> Result
  ) -> Result {
    let position: Int
    if let known = positions[key] {
      position = known
      unlink(position)
    } else if nodes.count < capacity {
      position = nodes.count
      nodes.append(Node(key: key, value: initial()))
      positions[key] = position
    } else {
      position = oldest ?? 0
      unlink(position)
      positions[nodes[position].key] = nil
      nodes[position] = Node(key: key, value: initial())
      positions[key] = position
    }
    link(position)
    return change(&nodes[position].value)
  }

  private mutating func unlink(_ position: Int) {
    let node = nodes[position]
    if let newer = node.newer { nodes[newer].older = node.older } else { newest = node.older }
    if let older = node.older { nodes[older].newer = node.newer } else { oldest = node.newer }
    nodes[position].newer = nil
    nodes[position].older = nil
  }

  private mutating func link(_ position: Int) {
    nodes[position].older = newest
    if let newest { nodes[newest].newer = position }
    newest = position
    if oldest == nil { oldest = position }
  }
}
