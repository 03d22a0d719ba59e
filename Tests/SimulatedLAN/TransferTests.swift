import NetworkAddress
import TFTP
import Testing

@Suite("TFTP on a network that loses packets")
struct TransferTests {
  /// The client's options, and what it does with blocks out of order.
  struct Client: Sendable, CustomStringConvertible {
    let description: String
    let options: [TFTPOption]
    let disorder: TFTPDownload.Disorder
    var timeouts: [Duration] = Array(repeating: .seconds(4), count: 6)

    static let all = [
      Client(
        description: "EDK2", options: [TFTPOption("blksize", "1468"), TFTPOption("windowsize", "4")],
        disorder: .acknowledge),
      Client(
        description: "EDK2 before 2018", options: [TFTPOption("blksize", "1468")], disorder: .acknowledge),
      Client(
        description: "shim", options: [TFTPOption("blksize", "512"), TFTPOption("windowsize", "4")],
        disorder: .acknowledge),
      Client(
        description: "windowsize 16", options: [TFTPOption("blksize", "1468"), TFTPOption("windowsize", "16")],
        disorder: .acknowledge),
      Client(
        description: "iPXE", options: [TFTPOption("blksize", "1432"), TFTPOption("tsize", "0")],
        disorder: .acknowledge, timeouts: IPXEClient.transferTimeouts),
      Client(
        description: "U-Boot", options: [TFTPOption("timeout", "5"), TFTPOption("blksize", "1468")],
        disorder: .ignore, timeouts: Array(repeating: .seconds(5), count: 10)),
    ]
  }

  private static let file = Loaders.bytes(2_000_000, 77)

  private func transfer(_ client: Client, _ conditions: NetworkConditions, seed: UInt64)
    -> (result: TFTPDownload.Result?, counts: TFTPTransferCounts?, outcome: TFTPOutcome?)
  {
    let lan = SimulatedLAN(conditions, seed: seed)
    let appliance = Appliance(lan, files: ["file": Self.file])
    let receiver = EDK2Client(lan, Site.mac())
    receiver.adopt(address: IPv4Address(192, 168, 8, 1))
    var result: TFTPDownload.Result?
    let manner = TFTPDownload.Manner(
      options: client.options, timeouts: client.timeouts, disorder: client.disorder)
    receiver.download("file", from: Appliance.address, manner) { result = $0 }
    lan.run(for: .seconds(3600)) { result != nil }
    lan.run(for: .seconds(120))
    return (result, appliance.tftp.counts.first, appliance.tftp.outcomes.first)
  }

  @Test("5 % loss with reordering: at most 1.15 times the file is sent", arguments: Client.all)
  func lossAndReordering(client: Client) throws {
    var ratios: [Double] = []
    for seed in UInt64(1)...3 {
      let conditions = NetworkConditions(description: "", loss: 0.05, reordering: 0.01, hold: .milliseconds(1))
      let (result, counts, outcome) = transfer(client, conditions, seed: seed)
      #expect(result == .file(Self.file))
      #expect(outcome?.isSuccess == true)
      ratios.append(Double(try #require(counts).payloadBytes) / Double(Self.file.count))
    }
    #expect(ratios.reduce(0, +) / Double(ratios.count) <= 1.15, "\(ratios)")
  }

  @Test("without faults each block is sent once", arguments: Client.all)
  func clean(client: Client) throws {
    let (result, counts, outcome) = transfer(client, .clean, seed: 1)
    #expect(result == .file(Self.file))
    #expect(outcome == .completed)
    #expect(try #require(counts).blocksSentAgain == 0)
  }

  @Test("duplicated packets do not multiply", arguments: Client.all)
  func duplicates(client: Client) throws {
    let conditions = NetworkConditions(description: "", duplication: 0.2)
    let (result, counts, _) = transfer(client, conditions, seed: 2)
    #expect(result == .file(Self.file))
    let ratio = Double(try #require(counts).payloadBytes) / Double(Self.file.count)
    #expect(ratio <= 1.15, "\(ratio)")
  }
}
