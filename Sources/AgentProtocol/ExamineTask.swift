/// A look at the hardware that takes time or asks the disks themselves.
public enum HardwareCheck: String, Hashable, Sendable, Codable, CaseIterable {
  /// What a disk says of its own health.
  case smart
  /// Pieces of the disk are read; nothing is written.
  case readTest = "read-test"
}

/// Examine the hardware, report, and ask again.
public struct ExamineTask: Hashable, Sendable, Codable {
  public var identifier: String
  public var checks: Set<HardwareCheck>

  public init(identifier: String, checks: Set<HardwareCheck>) {
    self.identifier = identifier
    self.checks = checks
  }
}

/// What an ``ExamineTask`` found, of all disks but removable ones and the one that the machine booted from.
public struct ExaminedReport: Hashable, Sendable, Codable {
  /// At most so many disks are reported.
  public static let limit = 256

  /// The identifier of the ``ExamineTask``.
  public var task: String
  public var disks: [DiskExamination]

  public init(task: String, disks: [DiskExamination]) {
    self.task = task
    self.disks = disks
  }
}

public struct DiskExamination: Hashable, Sendable, Codable {
  /// The disk's stable name.
  public var disk: String
  public var serial: String?
  /// Nil where it was not asked for.
  public var smart: SmartHealth?
  /// Nil where it was not asked for.
  public var read: ReadTestResult?

  public init(disk: String, serial: String?, smart: SmartHealth? = nil, read: ReadTestResult? = nil) {
    (self.disk, self.serial, self.smart, self.read) = (disk, serial, smart, read)
  }
}

/// What a disk says of its own health.
public struct SmartHealth: Hashable, Sendable, Codable {
  public enum Verdict: String, Hashable, Sendable, Codable {
    case passed
    case failing
    /// The disk gives no verdict: it is virtual, or behind a controller or bridge that hides it.
    case notAvailable = "not available"
  }

  public var verdict: Verdict
  /// Why it is failing, or why there is no verdict.
  public var reason: String?
  /// Sectors that were replaced by spare ones (ATA attribute 5, SCSI grown defects).
  public var reallocatedSectors: UInt64?
  /// Sectors that could not be read and wait to be replaced (ATA attribute 197).
  public var pendingSectors: UInt64?
  /// Sectors that stay unreadable (ATA attribute 198, SCSI uncorrected read errors).
  public var uncorrectableSectors: UInt64?
  /// Errors of the medium that NVMe could not correct.
  public var mediaErrors: UInt64?
  /// NVMe: how much of its life is used up; above 100 for one that outlives it.
  public var percentageUsed: UInt64?
  /// NVMe: percent.
  public var availableSpare: UInt64?
  public var powerOnHours: UInt64?

  public init(verdict: Verdict, reason: String? = nil) {
    self.verdict = verdict
    self.reason = reason
  }
}

/// What reading pieces of a disk gave.
public struct ReadTestResult: Hashable, Sendable, Codable {
  /// The most faults that are reported.
  public static let faultLimit = 16

  /// Bytes that could be read.
  public var bytesRead: UInt64
  public var seconds: Double
  public var faults: [ReadFault]
  /// It ended before all pieces were read: because of its time, or of too many faults.
  public var isCut: Bool
  /// Why the disk could not be tested at all.
  public var refusal: String?

  public init(
    bytesRead: UInt64 = 0, seconds: Double = 0, faults: [ReadFault] = [], isCut: Bool = false, refusal: String? = nil
  ) {
    self.bytesRead = bytesRead
    self.seconds = seconds
    self.faults = faults
    self.isCut = isCut
    self.refusal = refusal
  }
}

/// A place that could not be read.
public struct ReadFault: Hashable, Sendable, Codable {
  /// Bytes from the start of the disk, of the first block of 4 KiB that failed.
  public var offset: UInt64
  /// The kernel's error, as `Input/output error`.
  public var error: String

  public init(offset: UInt64, error: String) {
    self.offset = offset
    self.error = error
  }
}
