extension Retention {
  /// Which of scheduled snapshots stay: each span keeps the newest one of each of its latest periods, in UTC, counted for
  /// itself. What bears no time in its label stays, and so does everything where nothing is to be kept: a rule that keeps
  /// nothing would delete all.
  func kept(of labels: [String]) -> Set<String> {
    var kept: Set<String> = []
    var moments: [LabelTime] = []
    for label in Set(labels) {
      if let moment = LabelTime(label) { moments.append(moment) } else { kept.insert(label) }
    }
    guard last + daily + weekly + monthly + yearly > 0 else { return Set(labels) }
    moments.sort { $0.label > $1.label }
    kept.formUnion(moments.prefix(last).map(\.label))
    let spans: [(Int, (LabelTime) -> Int)] = [
      (daily, \.day), (weekly, \.week), (monthly, \.month), (yearly, \.year),
    ]
    for (count, period) in spans {
      var seen: Set<Int> = []
      for moment in moments where seen.count < count && seen.insert(period(moment)).inserted {
        kept.insert(moment.label)
      }
    }
    return kept
  }
}

/// The time that a run's identifier begins with: `20260102T030405Z`.
struct LabelTime: Sendable, Hashable {
  var label: String
  /// Since 1970.
  var day: Int
  /// Since 1970, beginning with Mondays.
  var week: Int { (day + 3) / 7 }
  /// Since the year 0.
  var month: Int
  var year: Int

  init?(_ label: String) {
    let text = Array(label.utf8)
    func number(_ range: Range<Int>) -> Int? {
      guard text.count >= range.upperBound, text[range].allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
      return text[range].reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }
    guard let year = number(0..<4), let month = number(4..<6), let date = number(6..<8), text.count > 15,
      text[8] == UInt8(ascii: "T"), number(9..<15) != nil, text[15] == UInt8(ascii: "Z"), year >= 1970,
      (1...12).contains(month), (1...31).contains(date)
    else { return nil }
    self.label = label
    self.year = year
    self.month = year * 12 + month - 1
    // Days of the proleptic Gregorian calendar, years counted from March.
    let shifted = month > 2 ? year : year - 1
    let ofYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + date - 1
    day = shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + ofYear - 719_468
  }
}
