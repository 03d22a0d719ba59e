import Foundation
import StackTemplates

/// Where the settings stand that a rule refuses: in the machine's file, or in others that it takes settings from.
public struct SettingLines: Sendable {
  private let places: [(file: String, lines: JSONLines)]
  private let machine: String

  /// - Parameters:
  ///   - machine: how refusals call the machine's file.
  ///   - others: further files, where the machine's has no such setting.
  ///   - files: what is in them, by name; one that is not there is not looked at.
  public init(machine: String, others: [String] = [], files: [String: Data]) {
    self.machine = machine
    places = ([machine] + others).compactMap { file in files[file].map { (file, JSONLines($0)) } }
  }

  /// A refusal of the machine's settings with the line of the field that its text begins with, or of the nearest one
  /// around it; of `stacks` where it begins with none. Others stay as they are.
  public func located(_ refusal: StackRefusal) -> StackRefusal {
    guard refusal.line == 0, refusal.file == machine else { return refusal }
    var path = refusal.text.prefix { !$0.isWhitespace && $0 != ":" }
    var located = refusal
    while !path.isEmpty {
      for place in places {
        guard let line = place.lines.lines[String(path)] else { continue }
        (located.file, located.line) = (place.file, line)
        return located
      }
      guard let point = path.lastIndex(of: ".") else { break }
      path = path[..<point]
    }
    guard let line = places.first(where: { $0.file == machine })?.lines.lines["stacks"] else { return refusal }
    located.line = line
    return located
  }

  /// Of choices that can not be read.
  public func located(_ error: CatalogueError) -> StackRefusal {
    located(StackRefusal(file: error.path, line: 0, rule: .schema, text: error.text))
  }
}
