/// Of the designs whose copies Restic makes.
public struct ResticSettings: Sendable, Hashable, Decodable {
  public var retention: Retention
  /// When a timer of its own removes old archives, as systemd writes calendar times. nil: each run does.
  public var pruneSchedule: String?
  /// Where the plan has an object store instead of a repository that is declared.
  public var offsite: OffsiteSettings?

  private enum CodingKeys: String, CodingKey { case retention, pruneSchedule }

  init(offsite: OffsiteSettings) {
    retention = offsite.retention
    self.offsite = offsite
  }

  /// An object store asks a price for what is read.
  var checkSchedule: CheckSchedule { offsite == nil ? .weekly : .monthly }
}

/// Of the design `b2-offsite`.
public struct OffsiteSettings: Sendable, Hashable, Decodable {
  /// `b2:BUCKET[:FOLDER]` or `s3:https://HOST/BUCKET[/FOLDER]`; each stack has a repository below it.
  public var url: String
  /// The placement classes whose volumes are copied.
  public var classes: [String]
  public var retention: Retention
  /// KiB in a second.
  public var uploadLimit: Int?
  public var keyIdentifierFile: String
  public var keyFile: String
  public var passphraseFile: String

  /// The files with the keys, by the environment variable that Restic reads.
  var environmentFiles: [String: String] {
    url.hasPrefix("b2:")
      ? ["B2_ACCOUNT_ID": keyIdentifierFile, "B2_ACCOUNT_KEY": keyFile]
      : ["AWS_ACCESS_KEY_ID": keyIdentifierFile, "AWS_SECRET_ACCESS_KEY": keyFile]
  }
}
