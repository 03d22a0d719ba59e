import AgentProtocol
import ArgumentParser
import FoundationEssentials
import NodeWork
import ProgramRunner

/// On a server of a k3s cluster.
struct ClusterCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cluster", abstract: "The k3s cluster that this node is a server of.",
    subcommands: [
      ClusterNodes.self, ClusterDrain.self, ClusterUncordon.self, ClusterForget.self, ClusterKubeconfig.self,
    ])

  static var work: ClusterWork { ClusterWork(runner: SubprocessRunner(), say: NodeWorkOutput.say) }
}

struct ClusterNodes: AsyncParsableCommand {
  static let configuration = CommandConfiguration(commandName: "nodes", abstract: "The cluster's nodes.")

  @OptionGroup var options: NodeWorkOptions

  func run() async throws {
    try await NodeWorkOutput.tell {
      let nodes = try await ClusterCommand.work.nodes()
      if options.json {
        print(try NodeWorkJSON.text(nodes))
      } else {
        print(
          NodeWorkOutput.table(
            nodes.map {
              [
                $0.name, $0.isServer ? "server" : "agent", $0.isReady ? "ready" : "NOT READY",
                $0.isCordoned ? "drained" : "", $0.version, $0.address ?? "",
              ]
            }))
      }
      if nodes.contains(where: { !$0.isReady }) { throw ExitCode.failure }
    }
  }
}

struct ClusterDrain: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drain", abstract: "Have a node's pods move to others, so that it can be restarted.",
    discussion: """
      Refused while another node is drained, and where too few servers would be left for the cluster to go on. A node \
      that can not be drained takes pods again.
      """)

  @OptionGroup var options: NodeWorkOptions
  @Argument(help: "The node.") var node: String
  @Flag(help: "What pods keep in scratch folders of their own may go.") var deleteScratch = false
  @Flag(help: "The cluster may stand still while this server is away.") var acceptOutage = false
  @Option(help: "Seconds for all pods to leave, 10 to 7200.") var timeout = 600

  func validate() throws {
    guard (10...7200).contains(timeout) else { throw ValidationError("--timeout takes 10 to 7200 seconds") }
  }

  func run() async throws {
    try await NodeWorkOutput.tell {
      var chosen = ClusterWork.DrainOptions()
      (chosen.deletesScratch, chosen.acceptsOutage, chosen.timeout) = (deleteScratch, acceptOutage, timeout)
      try await ClusterCommand.work.drain(node, options: chosen)
      print(options.json ? try NodeWorkJSON.text(["drained": node]) : "\(node) is drained")
    }
  }
}

struct ClusterUncordon: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "uncordon", abstract: "Let a drained node take pods again.")

  @OptionGroup var options: NodeWorkOptions
  @Argument(help: "The node.") var node: String

  func run() async throws {
    try await NodeWorkOutput.tell {
      try await ClusterCommand.work.uncordon(node)
      print(options.json ? try NodeWorkJSON.text(["uncordoned": node]) : "\(node) takes pods again")
    }
  }
}

struct ClusterForget: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forget", abstract: "Take a node out of the cluster, so that its machine can join anew.",
    discussion: """
      Kubernetes knows a node by a password that its system made, and etcd a server by its address: a machine whose system \
      was made anew is let in only when both are gone. Refused while the node is ready and takes pods, and where the \
      servers that stay have no majority. Run again it goes on.
      """)

  @OptionGroup var options: NodeWorkOptions
  @Argument(help: "The node.") var node: String

  func run() async throws {
    try await NodeWorkOutput.tell {
      try await ClusterCommand.work.forget(node)
      print(options.json ? try NodeWorkJSON.text(["forgotten": node]) : "\(node) may join anew")
    }
  }
}

struct ClusterKubeconfig: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kubeconfig", abstract: "The cluster's administration file, sealed by age to its reader's key.",
    discussion: "It is never printed in clear. Open it with: age --decrypt --identity KEY FILE")

  @OptionGroup var options: NodeWorkOptions
  @Option(help: "Where the API is reached, as https://192.0.2.30:6443.") var server: String
  @Option(help: "The reader's age recipient, age1….") var recipient: String

  func run() async throws {
    try await NodeWorkOutput.tell {
      let reader: AgeRecipient
      do { reader = try AgeRecipient(recipient) } catch {
        throw NodeWorkError(.configuration, "--recipient is no age recipient: \(error)", advice: "write age1…")
      }
      let text = try ClusterCommand.work.kubeconfig(server: server)
      let sealed: [UInt8]
      do { sealed = try AgeFile.seal(text, to: reader) } catch {
        throw NodeWorkError(.file, "the file can not be sealed: \(error)")
      }
      let base64 = Data(sealed).base64EncodedString()
      print(options.json ? try NodeWorkJSON.text(["sealed": base64]) : base64)
    }
  }
}
