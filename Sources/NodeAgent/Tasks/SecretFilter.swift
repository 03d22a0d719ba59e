import NodeFiles

/// Takes the node's secrets out of what a program printed: reports can be read on the wire.
struct SecretFilter: Sendable {
  /// Shorter values would take ordinary words out.
  static let leastLength = 6

  private let values: [(name: String, value: String)]

  /// - Parameter root: before the folder with the open secrets.
  init(root: String) {
    let folder = FileSystemEntry(root + SecretPlacement.folder)
    var values: [(name: String, value: String)] = []
    for name in folder.children {
      guard let text = folder.appending(name).text(limit: 1 << 20) else { continue }
      // A file of several lines is shown line by line, where it is shown.
      for line in text.split(whereSeparator: \.isNewline) {
        let value = line.drop { $0.isWhitespace }
        guard value.utf8.count >= Self.leastLength else { continue }
        values.append((name, String(value)))
      }
    }
    // The longest first: one value may be a part of another.
    self.values = values.sorted { $0.value.utf8.count > $1.value.utf8.count }
  }

  func filter(_ text: String) -> String {
    var text = text
    for (name, value) in values where text.contains(value) {
      text = text.replacing(value, with: "[the secret \(name)]")
    }
    return text
  }
}
