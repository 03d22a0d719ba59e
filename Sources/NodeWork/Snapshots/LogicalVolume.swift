import FoundationEssentials
import ProgramRunner

/// A row of `lvs`.
struct LogicalVolume: Sendable, Hashable, Decodable {
  var group: String
  var name: String
  var path: String
  var mapperPath: String
  var segmentType: String
  var pool: String
  var origin: String
  var bytes: UInt64
  var dataPercent: Double?
  var metadataPercent: Double?
  var tags: [String]
  var created: String

  enum CodingKeys: String, CodingKey {
    case group = "vg_name"
    case name = "lv_name"
    case path = "lv_path"
    case mapperPath = "lv_dm_path"
    case segmentType = "segtype"
    case pool = "pool_lv"
    case origin
    case bytes = "lv_size"
    case dataPercent = "data_percent"
    case metadataPercent = "metadata_percent"
    case tags = "lv_tags"
    case created = "lv_time"
  }

  /// LVM writes each value as a text.
  init(from decoder: any Decoder) throws {
    let row = try decoder.container(keyedBy: CodingKeys.self)
    func text(_ key: CodingKeys) throws -> String { try row.decode(String.self, forKey: key) }
    group = try text(.group)
    name = try text(.name)
    path = try text(.path)
    mapperPath = try text(.mapperPath)
    segmentType = try text(.segmentType)
    pool = try text(.pool)
    origin = try text(.origin)
    guard let size = UInt64(try text(.bytes)) else {
      throw DecodingError.dataCorruptedError(forKey: .bytes, in: row, debugDescription: "no number of bytes")
    }
    bytes = size
    dataPercent = Double(try text(.dataPercent))
    metadataPercent = Double(try text(.metadataPercent))
    tags = try text(.tags).split(separator: ",").map(String.init)
    created = try text(.created)
  }

  private struct Answer: Decodable {
    struct Report: Decodable { var lv: [LogicalVolume] }
    var report: [Report]
  }

  static let listing = Command(
    "lvs",
    [
      "--reportformat", "json", "--units", "b", "--nosuffix", "--options",
      "vg_name,lv_name,lv_path,lv_dm_path,segtype,pool_lv,origin,lv_size,data_percent,metadata_percent,lv_tags,lv_time",
    ])

  static func all(_ runner: any CommandRunner) async throws(NodeWorkError) -> [LogicalVolume] {
    let output = try await runner.work(listing, .storage)
    guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(output.standardOutput.utf8)) else {
      throw NodeWorkError(.storage, "lvs says what can not be read: \(output.standardOutput.prefix(200))")
    }
    return answer.report.flatMap(\.lv)
  }
}
