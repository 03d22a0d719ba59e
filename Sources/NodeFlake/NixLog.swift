import Fleet
import Foundation

/// How far Nix is.
public struct BuildProgress: Codable, Sendable, Equatable {
  /// Derivations built, and how many it takes in all.
  public var done: Int64 = 0
  public var expected: Int64 = 0
  /// What it does now.
  public var activity: String = ""
}

/// What Nix writes with `--log-format internal-json`: lines of `@nix {…}` (Nix, `logging.hh` and `logging.cc`).
struct NixLog {
  private(set) var progress = BuildProgress()
  private var messages: [String] = []
  /// The last lines of builders' output.
  private var output: [String] = []
  private var builds: JSONValue?

  private enum Activity { static let copyPath: Int64 = 100, builds: Int64 = 104, build: Int64 = 105 }
  private enum Result { static let line: Int64 = 101, progress: Int64 = 105 }

  /// - Returns: whether there is progress to show.
  mutating func read(_ line: String) -> Bool {
    guard line.hasPrefix("@nix "),
      case .object(let entry)? = try? JSONDecoder().decode(JSONValue.self, from: Data(line.utf8.dropFirst(5)))
    else {
      if !line.isEmpty { messages.append(line) }
      return false
    }
    switch (entry["action"], entry["type"]) {
    case (.text("msg"), _):
      if entry["level"] == .integer(0), case .text(let text)? = entry["msg"] { messages.append(text) }
    case (.text("start"), .integer(Activity.builds)): builds = entry["id"]
    case (.text("start"), .integer(Activity.build)), (.text("start"), .integer(Activity.copyPath)):
      guard case .text(let text)? = entry["text"] else { return false }
      progress.activity = NixLog.plain(text).replacing(/\/nix\/store\/[0-9a-z]{32}-/, with: "")
      return true
    case (.text("result"), .integer(Result.progress)) where builds != nil && entry["id"] == builds:
      guard case .array(let fields)? = entry["fields"], fields.count >= 2, case .integer(let done) = fields[0],
        case .integer(let expected) = fields[1], (done, expected) != (progress.done, progress.expected)
      else { return false }
      (progress.done, progress.expected) = (done, expected)
      return true
    case (.text("result"), .integer(Result.line)):
      if case .array(let fields)? = entry["fields"], case .text(let text)? = fields.first {
        output = output.suffix(9) + [NixLog.plain(text)]
      }
    default: break
    }
    return false
  }

  /// What matters of Nix's errors: its last `error:` block, with the user's files as the user knows them.
  var failure: String {
    let all = messages.map(NixLog.plain)
    let lines = (all.last { $0.contains("error:") } ?? all.suffix(3).joined(separator: "\n")).split(
      separator: "\n", omittingEmptySubsequences: false)
    let start = lines.lastIndex { $0.drop { $0 == " " }.hasPrefix("error:") } ?? 0
    var kept = lines[start...].map(String.init).filter { !$0.contains("--show-trace") }
    while kept.last?.allSatisfy({ $0 == " " }) == true { kept.removeLast() }
    if kept.contains(where: { $0.contains("builder for") }) {
      kept += output.map { "  > " + $0 }
    } else if let unreachable = all.last(where: { $0.hasPrefix("cannot build on ") }) {
      // Nix's error says only that there is no builder, its message before that why.
      kept = unreachable.split(separator: "\n").map(String.init)
    }
    let text = kept.prefix(40).joined(separator: "\n")
      .replacing(/[^\s'"()]*\/nix\/store\/[0-9a-z]{32}-source\//, with: "")
      .replacing(" bootstead/", with: " templates/")
    return String(text.prefix(4000))
  }

  /// Without colours and other things that steer a terminal.
  private static func plain(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.replacing(/\u{1B}\[[0-9;]*[A-Za-z]/, with: "").unicodeScalars
    where scalar == "\n" || scalar.properties.generalCategory != .control { result.append(scalar) }
    return String(result)
  }
}
