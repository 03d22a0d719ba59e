import Testing

/// All that boots machines: one after another, since each takes the processors and the memory of its host.
@Suite(
  "Real machines in QEMU", .serialized,
  .enabled(if: LabSetting.isPossible, "needs root, qemu-system-x86, ovmf and dnsmasq: see 'make test'"))
enum RealMachines {}
