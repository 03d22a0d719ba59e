import AgentProtocol
import BootHTTP
import Fleet
import Testing

extension AgentAPITests {
  @Test("an image with Nix gets the machine's flake with the digest of its archive, signed like every answer")
  func flake() async throws {
    let served = ServedFlake(path: "/nonexistent", digest: "of the flake", archiveDigest: "of the archive", size: 7)
    try await withAgent(closure: nil, flake: { _ in served }) { agent, nonce in
      try agent.claim(nonce: nonce, buildsSystems: true)
      let answer = try agent.ask("GET", AgentPath.task)
      guard case .install(let install) = try MessageCoder.decode(AgentTask.self, from: answer.body) else {
        Issue.record("no install")
        return
      }
      #expect(install.closure == nil)
      #expect(
        install.flake
          == InstallFlake(
            path: "/flake/node1.tar.gz", digest: "of the archive", size: 7, identity: "of the flake"))
    }
  }

  @Test("an agent waits while its flake can not be made, and is told why")
  func noFlake() async throws {
    for flake in [nil, { @Sendable _ in throw FleetError.conflict("no templates") }]
      as [(@Sendable (MachineName) async throws -> ServedFlake)?]
    {
      try await withAgent(closure: nil, flake: flake) { agent, nonce in
        try agent.claim(nonce: nonce, buildsSystems: true)
        let answer = try agent.ask("GET", AgentPath.task)
        guard case .wait(let reason, _) = try MessageCoder.decode(AgentTask.self, from: answer.body) else {
          Issue.record("it does not wait")
          return
        }
        #expect(reason == (flake == nil ? "this appliance makes no flakes" : "no templates"))
      }
    }
  }
}
