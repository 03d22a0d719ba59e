import AgentProtocol
import ArgumentParser

/// A command that asks a running node for something.
protocol NodeVerb: AsyncParsableCommand {
  var options: NodeTaskOptions { get }
  var machine: String { get }
  /// - Throws: where a name can not be one.
  func task() throws -> NodeTask
}

extension NodeVerb {
  func validate() throws {
    do { try task().check() } catch let error as NodeTaskError { throw ValidationError(error.description) }
  }

  func run() async throws { try await options.carryOut(try task(), on: machine) }
}

/// One that gives up or replaces data.
protocol DestructiveNodeVerb: NodeVerb {
  var consent: OperatorConsent { get }
  /// What is lost or replaced.
  var loss: String { get }
}

extension DestructiveNodeVerb {
  func run() async throws { try await options.carryOut(try task(), on: machine, consent: consent, loss: loss) }
}
