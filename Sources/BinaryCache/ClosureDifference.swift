import NixFormats

/// What changes from one closure to another.
public struct ClosureDifference: Hashable, Sendable, Codable {
  /// All paths of one package name.
  public struct Package: Hashable, Sendable, Codable {
    public var name: String
    /// Versions, sorted; empty text where a path has none.
    public var before: [String]
    public var after: [String]
    /// In bytes, unpacked.
    public var sizeBefore: UInt64
    public var sizeAfter: UInt64
  }

  /// Store paths that are new, and that are gone; sorted.
  public var added: [String]
  public var removed: [String]
  /// Packages whose paths differ, by name.
  public var packages: [Package]
  /// In bytes, unpacked, of whole closures and of what is new.
  public var sizeBefore: UInt64
  public var sizeAfter: UInt64
  public var addedSize: UInt64

  public init(from old: [NarInfo], to new: [NarInfo]) {
    let (before, after) = (Set(old.map(\.storePath)), Set(new.map(\.storePath)))
    let addedInfos = new.filter { !before.contains($0.storePath) }
    added = addedInfos.map(\.storePath.description).sorted()
    removed = old.map(\.storePath).filter { !after.contains($0) }.map(\.description).sorted()
    (sizeBefore, sizeAfter, addedSize) = (Self.size(old), Self.size(new), Self.size(addedInfos))
    let (groups, newGroups) = (Self.grouped(old), Self.grouped(new))
    packages = Set(groups.keys).union(newGroups.keys).sorted().compactMap { name in
      let (olds, news) = (groups[name] ?? [], newGroups[name] ?? [])
      if Set(olds.map(\.storePath)) == Set(news.map(\.storePath)) { return nil }
      return Package(
        name: name, before: Self.versions(olds), after: Self.versions(news), sizeBefore: Self.size(olds),
        sizeAfter: Self.size(news))
    }
  }

  private static func grouped(_ infos: [NarInfo]) -> [String: [NarInfo]] {
    Dictionary(grouping: infos) { parts(of: $0.storePath.name).name }
  }

  private static func versions(_ infos: [NarInfo]) -> [String] {
    Set(infos.map { parts(of: $0.storePath.name).version }).sorted()
  }

  private static func size(_ infos: [NarInfo]) -> UInt64 {
    infos.reduce(0) { sum, info in
      let (total, overflow) = sum.addingReportingOverflow(info.narSize)
      return overflow ? .max : total
    }
  }

  /// A name ends at the first dash that no letter follows (Nix manual, `builtins.parseDrvName`).
  static func parts(of text: String) -> (name: String, version: String) {
    var rest = text[...]
    while let dash = rest.firstIndex(of: "-") {
      let next = text.index(after: dash)
      if next < text.endIndex, !text[next].isLetter { return (String(text[..<dash]), String(text[next...])) }
      rest = text[next...]
    }
    return (text, "")
  }
}
