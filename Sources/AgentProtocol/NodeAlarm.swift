/// What is to be seen to on a node, as its agent found it.
public struct NodeAlarm: Hashable, Sendable, Codable {
  /// Of one report.
  public static let limit = 64
  /// In characters.
  public static let subjectLimit = 200
  /// In characters.
  public static let textLimit = 500

  /// What it is about, the same for as long as it lasts: `pool data/thin: data`.
  public var subject: String
  /// For people, with what to do; numbers in it may change while it lasts.
  public var text: String

  public init(subject: String, text: String) { (self.subject, self.text) = (subject, text) }

  /// Of a text in which nothing changes while it lasts.
  public init(_ text: String) { self.init(subject: text, text: text) }

  /// The first of each subject, cut to length, and no more than ``limit``: the last one says how many there are beside.
  public static func bounded(_ alarms: [NodeAlarm]) -> [NodeAlarm] {
    var subjects: Set<String> = []
    let all = alarms.map { alarm in
      NodeAlarm(subject: String(alarm.subject.prefix(subjectLimit)), text: String(alarm.text.prefix(textLimit)))
    }.filter { subjects.insert($0.subject).inserted }
    guard all.count > limit else { return all }
    let others = all.count - limit + 1
    return all.prefix(limit - 1)
      + [NodeAlarm(subject: "others", text: "\(others) further alarms; see 'bootstead-agent alarms'")]
  }
}
