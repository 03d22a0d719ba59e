/// What `efibootmgr` prints without options: the firmware's boot entries and their order.
public struct BootEntries: Sendable, Hashable {
  public struct Entry: Sendable, Hashable {
    /// Four hexadecimal digits.
    public var number: String
    public var label: String
  }

  /// The entry that this boot came from.
  public var current: String?
  public var order: [String]
  public var entries: [Entry]

  /// Reads the listing; lines of other kinds are passed over.
  public init(listing: String) {
    order = []
    entries = []
    for line in listing.split(separator: "\n") {
      if let value = BootEntries.value(of: "BootCurrent:", in: line), BootEntries.isNumber(value) {
        current = String(value)
      } else if let value = BootEntries.value(of: "BootOrder:", in: line) {
        order = value.split(separator: ",").filter(BootEntries.isNumber).map(String.init)
      } else if line.hasPrefix("Boot"), line.count > 9 {
        let rest = line.dropFirst(4)
        let number = rest.prefix(4)
        let mark = rest.dropFirst(4).first
        guard BootEntries.isNumber(number), mark == "*" || mark == " " else { continue }
        // efibootmgr 17 and later put the device path behind a tab, also without -v.
        let label = rest.dropFirst(5).drop { $0 == " " }.prefix { $0 != "\t" }
        entries.append(Entry(number: String(number), label: String(label)))
      }
    }
  }

  private static func value(of name: String, in line: Substring) -> Substring? {
    guard line.hasPrefix(name) else { return nil }
    return line.dropFirst(name.count).drop { $0 == " " }
  }

  private static func isNumber(_ text: Substring) -> Bool {
    text.utf8.count == 4 && text.allSatisfy(\.isHexDigit)
  }

  /// The same order without what the firmware no longer has: `efibootmgr` takes no order with a number that is not there.
  public func keeping(_ present: [Entry]) -> BootEntries {
    var kept = self
    // A number that was freed and taken again names another entry.
    let same = Set(entries).intersection(present).map(\.number)
    kept.order.removeAll { !same.contains($0) }
    if let current, !same.contains(current) { kept.current = nil }
    kept.entries = present
    return kept
  }

  /// The order in which the entry that booted us stays first and `added` comes right behind it. Where the firmware does
  /// not say what booted us, what was first stays first.
  public func order(adding added: String) -> [String] {
    var others = order.filter { $0 != added }
    guard let first = current ?? others.first else { return [added] }
    others.removeAll { $0 == first }
    return (first == added ? [added] : [first, added]) + others
  }
}
