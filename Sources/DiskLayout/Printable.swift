extension String {
  /// The text as it may be shown on a terminal: labels and names come from disks and from the network. Control
  /// characters and marks that turn the direction of writing become `?`, and no more than 80 characters remain.
  var printable: String {
    var shown = ""
    for scalar in unicodeScalars.prefix(80) {
      switch scalar.value {
      case 0..<0x20, 0x7f..<0xa0, 0x200b...0x200f, 0x2028...0x202e, 0x2066...0x2069, 0xfeff: shown += "?"
      default: shown.unicodeScalars.append(scalar)
      }
    }
    return shown
  }
}
