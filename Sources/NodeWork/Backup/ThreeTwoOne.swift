import FoundationEssentials

/// A stack's data by the rule of three copies on two media, one of them off the house. What is in use counts as a copy.
public struct ThreeTwoOne: Sendable, Hashable, Codable {
  /// How many there are, with the one in use.
  public var copies: Int
  /// On how many different disks or machines, with the one in use.
  public var media: Int
  /// How many of them are off the house.
  public var offsite: Int
  public var isMet: Bool { copies >= 3 && media >= 2 && offsite >= 1 }
  /// What is missing, in words.
  public var missing: [String]

  /// - Parameter places: one for each copy that was made and is not too old, beside the one in use.
  init(places: [Place]) {
    copies = 1 + places.count
    media = 1 + Set(places.map(\.medium)).count
    offsite = places.count(where: \.isOffsite)
    missing = []
    if copies < 3 { missing.append("\(3 - copies) more \(copies == 2 ? "copy" : "copies")") }
    if media < 2 { missing.append("another disk or machine") }
    if offsite < 1 { missing.append("a copy off the house") }
  }

  /// `3-2-1`, or `2-2-0: without 1 more copy, a copy off the house`.
  public var text: String {
    let numbers = "\(copies)-\(media)-\(offsite)"
    return missing.isEmpty ? numbers : "\(numbers): without \(missing.joined(separator: ", "))"
  }

  /// Where a copy lies.
  struct Place: Sendable, Hashable {
    /// The same for copies that are lost together: a server, or a disk.
    var medium: String
    var isOffsite: Bool
  }

  private enum CodingKeys: String, CodingKey { case copies, media, offsite, isMet, missing }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    copies = try values.decode(Int.self, forKey: .copies)
    media = try values.decode(Int.self, forKey: .media)
    offsite = try values.decode(Int.self, forKey: .offsite)
    missing = try values.decode([String].self, forKey: .missing)
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(copies, forKey: .copies)
    try values.encode(media, forKey: .media)
    try values.encode(offsite, forKey: .offsite)
    try values.encode(isMet, forKey: .isMet)
    try values.encode(missing, forKey: .missing)
  }
}

extension BackupPlan {
  /// Where its copies lie; nil where they are lost with the disk that they are made of.
  func place(_ name: String, _ configuration: BackupConfiguration) -> ThreeTwoOne.Place? {
    guard !isLostWithDisk else { return nil }
    var medium = "plan \(name)"
    switch design {
    case .coldCopy(let settings): medium = settings.device
    case .restic(let settings):
      if let url = settings.offsite?.url { medium = Self.server(of: url) }
    default: break
    }
    if let repository, let url = configuration.repositories[repository]?.url { medium = Self.server(of: url) }
    return ThreeTwoOne.Place(medium: medium, isOffsite: tier == 3)
  }

  /// The host's name, or the store's kind, or a folder here: copies with the same one are lost together.
  package static func server(of url: String) -> String {
    var rest = Substring(url)
    for prefix in ["rest:", "s3:"] where rest.hasPrefix(prefix) { rest = rest.dropFirst(prefix.count) }
    if rest.hasPrefix("b2:") { return "b2" }
    if let scheme = rest.firstRange(of: "://") {
      rest = rest[scheme.upperBound...].prefix { $0 != "/" }
    } else if !rest.hasPrefix("/"), let colon = rest.firstIndex(of: ":") {
      // USER@HOST:/FOLDER
      rest = rest[..<colon]
    } else {
      return url
    }
    if let at = rest.lastIndex(of: "@") { rest = rest[rest.index(after: at)...] }
    if let colon = rest.lastIndex(of: ":"), rest[rest.index(after: colon)...].allSatisfy(\.isNumber) {
      rest = rest[..<colon]
    }
    return String(rest)
  }
}
