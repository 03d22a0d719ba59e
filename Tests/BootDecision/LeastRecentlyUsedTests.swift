import BootDecision
import Testing

@Suite("The bounded table")
struct LeastRecentlyUsedTests {
  @Test("it drops what was not touched for the longest time")
  func order() {
    var table = LeastRecentlyUsed<Int, String>(capacity: 3)
    for key in [1, 2, 3, 1, 4] { table.update(key, default: "") { $0 += "x" } }
    #expect(table.peek(1) == "xx")
    #expect(table.peek(2) == nil)
    #expect(table.peek(3) == "x")
    #expect(table.peek(4) == "x")
    #expect(table.count == 3)
  }

  @Test("it agrees with a slow model on random keys", arguments: [1, 2, 7, 50])
  func model(capacity: Int) {
    var table = LeastRecentlyUsed<Int, Int>(capacity: capacity)
    var model: [(key: Int, value: Int)] = []
    var state: UInt64 = 42
    for step in 0..<5000 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      let key = Int(state >> 33) % 60
      table.update(key, default: 0) { $0 = step }
      model.removeAll { $0.key == key }
      model.append((key, step))
      if model.count > capacity { model.removeFirst() }
    }
    #expect(table.count == model.count)
    for entry in model { #expect(table.peek(entry.key) == entry.value) }
  }
}
