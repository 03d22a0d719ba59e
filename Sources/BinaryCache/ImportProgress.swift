import NixFormats

/// How far an import is.
public struct ImportProgress: Hashable, Sendable {
  public var pathsDone = 0
  public var pathsTotal = 0
  /// Of NAR files as they are packed.
  public var bytesDone: UInt64 = 0
  public var bytesTotal: UInt64 = 0
}

/// What an import did.
public struct ImportReport: Hashable, Sendable {
  /// The paths of the source that no other path of it refers to, or those that were asked for.
  public var roots: [StorePath]
  public var imported: Int
  /// Were there already.
  public var skipped: Int
  /// Of NAR files as they are packed.
  public var bytes: UInt64
}
