import ProgramRunner

/// A simulated node whose volume group lies on one disk that is there.
struct PhysicalVolumes: CommandRunner {
  let node: SimulatedNode

  func run(_ command: Command) async throws(CommandFailure) -> CommandOutput {
    guard command.program == "pvs" else { return try await node.run(command) }
    return CommandOutput(
      standardOutput: #"{"report":[{"pv":[{"pv_name":"/dev/sda4","vg_name":"data","pv_size":"1000","pv_free":"10","#
        + #""pv_uuid":"u-1","pv_missing":""}]}]}"#)
  }
}
