/// Sizes in bytes and their text in binary units.
public enum ByteSize {
  public static let kibibyte: UInt64 = 1 << 10
  public static let mebibyte: UInt64 = 1 << 20
  public static let gibibyte: UInt64 = 1 << 30
  public static let tebibyte: UInt64 = 1 << 40

  /// No disk is larger than this: 1 EiB. A larger figure comes from a defect or a hostile client.
  public static let plausibleMaximum: UInt64 = 1 << 60

  /// `931.5 GiB`; one decimal, rounded down, in the largest unit that leaves at least 1.
  public static func text(_ bytes: UInt64) -> String {
    let units: [(UInt64, String)] = [(tebibyte, "TiB"), (gibibyte, "GiB"), (mebibyte, "MiB"), (kibibyte, "KiB")]
    // Disks up to 10 TiB read better in GiB: that is the unit in which the layout's rules are written.
    for (unit, name) in units where bytes >= (unit == tebibyte ? 10 * unit : unit) {
      let whole = bytes / unit
      let tenth = (bytes % unit) * 10 / unit
      return tenth == 0 ? "\(whole) \(name)" : "\(whole).\(tenth) \(name)"
    }
    return "\(bytes) B"
  }

  /// The largest multiple of `unit` that is not above `bytes`.
  static func down(_ bytes: UInt64, to unit: UInt64) -> UInt64 { bytes - bytes % unit }

  /// The smallest multiple of `unit` that is not below `bytes`; for figures below `plausibleMaximum`.
  static func up(_ bytes: UInt64, to unit: UInt64) -> UInt64 { down(bytes + (unit - 1), to: unit) }
}
