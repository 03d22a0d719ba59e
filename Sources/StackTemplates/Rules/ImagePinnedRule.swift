/// An image is named so that tomorrow's is the same: by digest, or by a tag with a whole version.
struct ImagePinnedRule: TemplateRule {
  func check(_ template: StackTemplate, log: RefusalLog) {
    for service in template.compose.services {
      guard let image = service.image else { continue }
      if let problem = Self.problem(of: image.text) {
        log.refuse(.imagePinned, image.line, "services.\(service.name).image: \(problem)")
      }
    }
  }

  /// What is wrong with an image's name; nil: it is pinned.
  static func problem(of image: String) -> String? {
    guard !image.contains("$") else { return "'\(image)' takes its name from a variable; name the image itself" }
    let parts = image.split(separator: "@", omittingEmptySubsequences: false)
    if parts.count == 2 {
      let digest = parts[1]
      let isDigest =
        digest.hasPrefix("sha256:") && digest.utf8.count == 71
        && digest.dropFirst(7).allSatisfy { $0.isHexDigit && !$0.isUppercase }
      return isDigest ? nil : "'\(digest)' is no digest; it is sha256: and 64 hexadecimal digits"
    }
    guard parts.count == 1, let last = image.split(separator: "/", omittingEmptySubsequences: false).last,
      !last.isEmpty, !image.contains(where: \.isWhitespace)
    else { return "'\(image)' is no image's name; write REGISTRY/NAME:VERSION" }
    guard let colon = last.firstIndex(of: ":") else {
      return "'\(image)' has no tag, which means whatever is newest; add a version or a digest"
    }
    let tag = last[last.index(after: colon)...]
    return hasVersion(tag) ? nil : "the tag '\(tag)' moves on; name at least MAJOR.MINOR, or a digest"
  }

  /// Whether some part of the tag is numbers with a point between them, such as `v1.2`, `14-vectorchord0.4.3`,
  /// `RELEASE.2025-04-22T…` or a date.
  private static func hasVersion(_ tag: Substring) -> Bool {
    var digitsBefore = false
    var separator = false
    for character in tag {
      if character.isASCII, character.isNumber {
        if separator { return true }
        digitsBefore = true
      } else if (character == "." || character == "-" || character == "_"), digitsBefore {
        separator = character == "." || Self.isDate(tag)
        digitsBefore = false
      } else {
        (digitsBefore, separator) = (false, false)
      }
    }
    return false
  }

  /// Eight digits, or four, two and two with hyphens.
  private static func isDate(_ tag: Substring) -> Bool {
    let digits = tag.split { !($0.isASCII && $0.isNumber) }.map(\.count)
    return digits.indices.dropLast(2).contains { digits[$0...($0 + 2)].elementsEqual([4, 2, 2]) }
  }
}
