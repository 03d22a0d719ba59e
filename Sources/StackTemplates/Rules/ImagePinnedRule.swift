/// An image is named so that tomorrow's is the same: by digest, or by a tag with a whole version.
struct ImagePinnedRule: TemplateRule {
  func check(_ template: StackTemplate, log: RefusalLog) {
    for service in template.compose.services {
      guard let image = service.image else { continue }
      for text in Self.forms(of: image.text, template) {
        guard let problem = Self.problem(of: text) else { continue }
        log.refuse(.imagePinned, image.line, "services.\(service.name).image: \(problem)")
      }
    }
  }

  /// The image with each choice of the one parameter that its tag may have; anything else is left as it is written.
  private static func forms(of image: String, _ template: StackTemplate) -> [String] {
    guard let interpolation = try? Interpolation(image), let variable = interpolation.variables.first else {
      return [image]
    }
    guard interpolation.variables.count == 1, case .text(let head)? = interpolation.pieces.first, head.contains(":"),
      let parameter = template.description.parameters.first(where: { $0.variable == variable.name }),
      parameter.type == .choice
    else { return [image] }
    return parameter.choices.map { choice in interpolation.resolved { _ in choice } }
  }

  /// What is wrong with an image's name; nil: it is pinned.
  static func problem(of image: String) -> String? {
    guard !image.contains("$") else {
      return "'\(image)' takes its name from a variable; only the end of a tag may be one, of a parameter with choices"
    }
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
