public import AgentProtocol
import FoundationEssentials

/// The part of `smartctl --json` that tells a disk's health.
///
/// Its fields are those of smartmontools 7.3, JSON format version 1.0; of all of them only `smartctl` is always there.
public enum SmartReport {
  /// - Parameter output: what `smartctl --json` printed. It is JSON for failures too.
  public static func health(from output: String) -> SmartHealth {
    let report: Report
    do {
      report = try JSONDecoder().decode(Report.self, from: Data(output.utf8))
    } catch {
      return SmartHealth(verdict: .notAvailable, reason: "smartctl's answer is not the JSON that was expected")
    }
    var health = SmartHealth(verdict: .notAvailable)
    health.powerOnHours = report.nvme?.powerOnHours ?? report.powerOnTime?.hours
    health.reallocatedSectors = report.attribute(5) ?? report.grownDefects
    health.pendingSectors = report.attribute(197)
    health.uncorrectableSectors = report.attribute(198) ?? report.errorCounters?.read?.uncorrected
    health.mediaErrors = report.nvme?.mediaErrors
    health.percentageUsed = report.nvme?.percentageUsed
    health.availableSpare = report.nvme?.availableSpare
    let complaints = report.complaints
    if !complaints.isEmpty {
      (health.verdict, health.reason) = (.failing, complaints.joined(separator: "; "))
    } else if report.status?.passed == true {
      health.verdict = .passed
    } else {
      // Only the disk's own word makes it pass.
      health.reason =
        report.smartctl.messages?.compactMap(\.string).first.map { String($0.prefix(200)) }
        ?? "the disk gives no SMART status"
    }
    return health
  }

  private struct Report: Decodable {
    var smartctl: Program
    var status: Status?
    var attributes: Attributes?
    var nvme: NVMe?
    var powerOnTime: PowerOnTime?
    var grownDefects: UInt64?
    var errorCounters: ErrorCounters?

    enum CodingKeys: String, CodingKey {
      case smartctl
      case status = "smart_status"
      case attributes = "ata_smart_attributes"
      case nvme = "nvme_smart_health_information_log"
      case powerOnTime = "power_on_time"
      case grownDefects = "scsi_grown_defect_list"
      case errorCounters = "scsi_error_counter_log"
    }

    func attribute(_ id: Int) -> UInt64? { attributes?.table?.first { $0.id == id }?.raw?.value }

    var complaints: [String] {
      var complaints: [String] = []
      if status?.passed == false { complaints.append("the disk says that it is failing") }
      for attribute in attributes?.table ?? [] where attribute.whenFailed == "now" {
        complaints.append(
          "\(attribute.name.map { String($0.prefix(60)) } ?? "attribute \(attribute.id)") is below its threshold")
      }
      // NVMe 1.4, figure 194: bit 1 is the temperature at this moment, which says nothing of the medium.
      let warning = nvme?.criticalWarning ?? 0
      for (bit, text) in [
        (0, "its spare blocks run out"), (2, "its reliability is degraded"), (3, "it is read-only"),
        (4, "its backup of volatile memory failed"), (5, "its persistent memory is unreliable"),
      ] where warning & (1 << bit) != 0 { complaints.append(text) }
      return complaints
    }
  }

  private struct Program: Decodable {
    struct Message: Decodable { var string: String? }
    var messages: [Message]?
  }

  private struct Status: Decodable { var passed: Bool? }

  private struct Attributes: Decodable {
    struct Row: Decodable {
      struct Raw: Decodable { var value: UInt64? }
      var id: Int
      var name: String?
      /// Empty, `past` or `now`.
      var whenFailed: String?
      var raw: Raw?

      enum CodingKeys: String, CodingKey {
        case id, name, raw
        case whenFailed = "when_failed"
      }
    }
    var table: [Row]?
  }

  private struct NVMe: Decodable {
    var criticalWarning: UInt64?
    var availableSpare: UInt64?
    var percentageUsed: UInt64?
    var mediaErrors: UInt64?
    var powerOnHours: UInt64?

    enum CodingKeys: String, CodingKey {
      case criticalWarning = "critical_warning"
      case availableSpare = "available_spare"
      case percentageUsed = "percentage_used"
      case mediaErrors = "media_errors"
      case powerOnHours = "power_on_hours"
    }
  }

  private struct PowerOnTime: Decodable { var hours: UInt64? }

  private struct ErrorCounters: Decodable {
    struct Direction: Decodable {
      var uncorrected: UInt64?
      enum CodingKeys: String, CodingKey { case uncorrected = "total_uncorrected_errors" }
    }
    var read: Direction?
  }
}
