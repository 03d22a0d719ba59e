public import DiskLayout

extension Disk {
  /// Whether an ``ExamineTask`` looks at this disk: sticks, cards and what the machine booted from are not the
  /// machine's own.
  public var isExamined: Bool { !isRemovable && !isBootMedium && size > 0 }
}
