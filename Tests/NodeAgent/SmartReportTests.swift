import ProgramRunner
import AgentProtocol
import NodeAgent
import Testing

/// What `smartctl --json=c --info --health --attributes --log=error` prints; shortened to some of the attributes.
private enum Recorded {
  static let start =
    #"{"json_format_version":[1,0],"smartctl":{"version":[7,3],"svn_revision":"5338","#
    + #""platform_info":"x86_64-linux-6.1.0-28-amd64","build_info":"(local build)","argv":["smartctl"],"#

  static func ata(passed: Bool = true, reallocated: Int = 0, pending: Int = 0, whenFailed: String = "") -> String {
    start + #""exit_status":\#(passed ? 0 : 8)},"device":{"name":"/dev/sda","info_name":"/dev/sda [SAT]","type":"sat","#
      + #""protocol":"ATA"},"model_name":"ST4000VN008-2DR166","serial_number":"ZDH00001","rotation_rate":5980,"#
      + #""smart_support":{"available":true,"enabled":true},"smart_status":{"passed":\#(passed)},"#
      + #""ata_smart_attributes":{"revision":10,"table":["#
      + #"{"id":1,"name":"Raw_Read_Error_Rate","value":79,"worst":63,"thresh":44,"when_failed":"","flags":{"value":15,"#
      + #""string":"POSR-- ","prefailure":true,"updated_online":true,"performance":true,"error_rate":true,"#
      + #""event_count":false,"auto_keep":false},"raw":{"value":90699117,"string":"90699117"}},"#
      + #"{"id":5,"name":"Reallocated_Sector_Ct","value":100,"worst":100,"thresh":10,"when_failed":"\#(whenFailed)","#
      + #""flags":{"value":51,"string":"PO--CK "},"raw":{"value":\#(reallocated),"string":"\#(reallocated)"}},"#
      + #"{"id":197,"name":"Current_Pending_Sector","value":100,"worst":100,"thresh":0,"when_failed":"","#
      + #""raw":{"value":\#(pending),"string":"\#(pending)"}},"#
      + #"{"id":198,"name":"Offline_Uncorrectable","value":100,"worst":100,"thresh":0,"when_failed":"","#
      + #""raw":{"value":3,"string":"3"}}]},"power_on_time":{"hours":31802},"temperature":{"current":36},"#
      + #""ata_smart_error_log":{"summary":{"revision":1,"count":0}}}"#
  }

  static func nvme(warning: Int = 0, passed: Bool = true) -> String {
    start + #""exit_status":0},"device":{"name":"/dev/nvme0n1","info_name":"/dev/nvme0n1","type":"nvme","#
      + #""protocol":"NVMe"},"model_name":"Samsung SSD 980 500GB","serial_number":"S64D0001","#
      + #""smart_status":{"passed":\#(passed),"nvme":{"value":\#(warning)}},"nvme_smart_health_information_log":{"#
      + #""critical_warning":\#(warning),"temperature":38,"available_spare":97,"available_spare_threshold":10,"#
      + #""percentage_used":4,"data_units_read":19446553,"data_units_written":25771349,"host_reads":1,"host_writes":2,"#
      + #""controller_busy_time":3,"power_cycles":412,"power_on_hours":3150,"unsafe_shutdowns":9,"media_errors":2,"#
      + #""num_err_log_entries":7,"warning_temp_time":0,"critical_comp_time":0,"temperature_sensors":[38,45]},"#
      + #""temperature":{"current":38},"power_on_time":{"hours":3150}}"#
  }

  static let scsi =
    start + #""exit_status":0},"device":{"name":"/dev/sdb","type":"scsi","protocol":"SCSI"},"#
    + #""smart_status":{"passed":true},"scsi_grown_defect_list":12,"scsi_error_counter_log":{"read":{"#
    + #""errors_corrected_by_eccfast":0,"total_errors_corrected":0,"gigabytes_processed":"512.0","#
    + #""total_uncorrected_errors":4}},"power_on_time":{"hours":20,"minutes":7}}"#

  static let virtual =
    start + #""messages":[{"string":"/dev/vda: Unable to detect device type","severity":"error"}],"exit_status":1},"#
    + #""local_time":{"time_t":1795277984,"asctime":"Sat Nov 21 16:19:44 2026 UTC"}}"#
}

@Suite("SMART health as smartctl tells it")
struct SmartReportTests {
  @Test("an ATA disk in order passes, with its counters")
  func ata() {
    let health = SmartReport.health(from: Recorded.ata(reallocated: 8, pending: 1))
    #expect(health.verdict == .passed && health.reason == nil)
    #expect(health.reallocatedSectors == 8 && health.pendingSectors == 1 && health.uncorrectableSectors == 3)
    #expect(health.powerOnHours == 31802 && health.mediaErrors == nil)
  }

  @Test("a disk that says so, or an attribute below its threshold now, is failing; one that was is not")
  func failing() {
    let said = SmartReport.health(from: Recorded.ata(passed: false))
    #expect(said.verdict == .failing && said.reason == "the disk says that it is failing")
    let attribute = SmartReport.health(from: Recorded.ata(whenFailed: "now"))
    #expect(attribute.verdict == .failing && attribute.reason == "Reallocated_Sector_Ct is below its threshold")
    #expect(SmartReport.health(from: Recorded.ata(whenFailed: "past")).verdict == .passed)
  }

  @Test("an NVMe disk passes with its wear and media errors, and one that is warm does too")
  func nvme() {
    for warning in [0, 2] {
      let health = SmartReport.health(from: Recorded.nvme(warning: warning))
      #expect(health.verdict == .passed)
      #expect(health.percentageUsed == 4 && health.availableSpare == 97 && health.mediaErrors == 2)
      #expect(health.powerOnHours == 3150)
    }
  }

  @Test(
    "each critical warning of NVMe that concerns the medium is failing",
    arguments: [
      (1, "spare blocks"), (4, "reliability"), (8, "read-only"), (16, "volatile memory"), (32, "persistent memory"),
    ])
  func warnings(warning: Int, reason: String) {
    let health = SmartReport.health(from: Recorded.nvme(warning: warning))
    #expect(health.verdict == .failing && health.reason?.contains(reason) == true)
  }

  @Test("a SAS disk tells grown defects and uncorrected errors")
  func scsi() {
    let health = SmartReport.health(from: Recorded.scsi)
    #expect(health.verdict == .passed && health.reallocatedSectors == 12 && health.uncorrectableSectors == 4)
    #expect(health.powerOnHours == 20)
  }

  @Test("a virtual disk has no verdict, and the reason is smartctl's own")
  func virtualDisk() {
    let health = SmartReport.health(from: Recorded.virtual)
    #expect(health.verdict == .notAvailable && health.reason == "/dev/vda: Unable to detect device type")
  }

  @Test(
    "an answer without a verdict never passes",
    arguments: [
      "", "not JSON", "[]", "{}", #"{"smartctl":{}}"#, #"{"smartctl":{},"smart_status":{}}"#,
      #"{"smartctl":{},"smart_status":{"passed":"true"}}"#, #"{"smart_status":{"passed":true}}"#,
      #"{"smartctl":{"messages":[{}]},"smart_status":{"passed":null}}"#,
    ])
  func noVerdict(output: String) {
    let health = SmartReport.health(from: output)
    #expect(health.verdict == .notAvailable && health.reason?.isEmpty == false)
  }

  @Test("a smartctl that can not be run leaves the health not available")
  func notRun() async {
    let reader = SmartReader { _ in throw CommandFailure(command: "smartctl", ending: .failed("not found")) }
    let health = await reader.health(ofDevice: "/dev/sda")
    #expect(health.verdict == .notAvailable && health.reason?.contains("not found") == true)
  }
}
