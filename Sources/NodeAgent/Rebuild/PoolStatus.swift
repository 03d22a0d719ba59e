/// How full a thin pool is, as `dmsetup status` tells it (kernel, thin-provisioning.rst, "Status").
package struct PoolStatus: Sendable, Hashable {
  package struct Blocks: Sendable, Hashable {
    package var used: UInt64
    package var total: UInt64
    var isFull: Bool { used >= total }
  }

  package var metadata: Blocks?
  package var data: Blocks?
  package var needsCheck: Bool

  /// - Parameter line: `0 32768000 thin-pool 2 647/6144 1389/256000 - ro discard_passdown queue_if_no_space - 1024`
  package init(line: String) {
    let fields = line.split(whereSeparator: { $0 == " " || $0 == "\n" })
    func blocks(_ index: Int) -> Blocks? {
      guard fields.count > index else { return nil }
      let parts = fields[index].split(separator: "/")
      guard parts.count == 2, let used = UInt64(parts[0]), let total = UInt64(parts[1]) else { return nil }
      return Blocks(used: used, total: total)
    }
    metadata = blocks(4)
    data = blocks(5)
    needsCheck = fields.contains("needs_check")
  }

  /// What the operator should know; a full pool keeps what is in it.
  package var notes: [String] {
    var notes: [String] = []
    if data?.isFull == true { notes.append("its data space is full; the data in it is kept as it is") }
    if metadata?.isFull == true { notes.append("its metadata space is full; the data in it is kept as it is") }
    if needsCheck { notes.append("the kernel marked it to be checked (needs_check)") }
    return notes
  }
}
