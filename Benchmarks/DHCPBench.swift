import ArgumentParser

struct DHCPBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dhcp", abstract: "Offers per second, with a fixed number of DISCOVERs on their way.")

  @Option(help: "The interface towards the server.") var interface: String
  @Option(help: "DISCOVERs on their way at one time.") var inFlight = 64
  @Option(help: "How long.") var seconds = 5

  func run() throws {
    var meter = try OfferMeter(device: interface)
    let start = monotonicNanoseconds()
    let end = start + UInt64(seconds) * 1_000_000_000
    while monotonicNanoseconds() < end {
      while meter.inFlight < inFlight { try meter.send() }
      meter.receive(milliseconds: 50)
    }
    let duration = Double(monotonicNanoseconds() - start) / 1e9
    let offers = meter.latencies.count
    meter.settle()
    printFigure("offers_per_s", Int(Double(offers) / duration))
    meter.printLatencies()
    printFigure("sent", meter.sent)
    printFigure("lost", meter.lost)
  }
}

struct AvalancheBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "avalanche", abstract: "Many machines that are switched on together; each asks once.")

  @Option(help: "The interface towards the server.") var interface: String
  @Option(help: "How many machines.") var machines = 1000
  @Option(help: "They ask within this time; 0 sends all at once.") var milliseconds = 1000
  @Option(help: "The last four bytes of the first machine's MAC address, as a number; 52:54 is before them.")
  var firstNumber: UInt32 = 0

  func run() throws {
    var meter = try OfferMeter(device: interface, firstNumber: firstNumber)
    let start = monotonicNanoseconds()
    let interval = UInt64(milliseconds) * 1_000_000 / UInt64(max(machines, 1))
    while meter.sent < machines {
      let due = start + UInt64(meter.sent) * interval
      if monotonicNanoseconds() >= due { try meter.send() } else { meter.receive(milliseconds: 1) }
    }
    meter.settle()
    meter.printLatencies()
    printFigure("sent", meter.sent)
    printFigure("lost", meter.lost)
  }
}
