import AgentProtocol
import ArgumentParser
import Fleet
import Foundation

struct ClusterKubeconfig: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kubeconfig", abstract: "Fetch a cluster's administration file, which lets its holder do everything.",
    discussion: """
      A server of the cluster seals it, and the appliance never has it in clear: with -o to a key that this command makes \
      and forgets, with --recipient to a key of yours. It is never printed in clear.
      """)

  @OptionGroup var options: NodeTaskOptions
  @Argument(help: "The cluster's name.") var name: String
  @Option(name: .shortAndLong, help: "Write it to this new file, which only its owner can read.") var output: String?
  @Option(help: "Print it sealed to this age recipient, age1…, as base64.") var recipient: String?
  @Option(help: "Where the API is reached (default: where machines join the cluster).") var server: String?

  private struct Answer: Encodable {
    var cluster: String
    var server: String
    var file: String?
    var sealed: String?
  }

  func validate() throws {
    guard (output == nil) != (recipient == nil) else {
      throw ValidationError("give either -o FILE or --recipient age1…")
    }
    if options.noWait { throw ValidationError("the file is in the answer; leave --no-wait out") }
    do { _ = try recipient.map { text in try AgeRecipient(text) } } catch let error as AgeError {
      throw ValidationError("--recipient is no age recipient: \(error)")
    }
    do { _ = try server.map { text in try ClusterAddress(text) } } catch let error as NodeTaskError {
      throw ValidationError("--server \(error)")
    }
  }

  func run() async throws {
    try await reportingFailures {
      if let output, FileManager.default.fileExists(atPath: output) {
        throw CommandFailure.failed("\(output) is there already, and is not replaced")
      }
      let members = try await ClusterMembers.named(name, options.appliance.client)
      guard let address = server ?? members.cluster.join else {
        throw CommandFailure.failed(
          "where the API of '\(name)' is reached is not declared; say --server https://ADDRESS:6443")
      }
      let identity = AgeIdentity()
      let reader = try recipient.map { text in try AgeRecipient(text) } ?? identity.recipient
      let detail = try await options.ended(
        .kubeconfig(server: ClusterAddress(address), reader), on: members.server())
      guard detail.task.state == .succeeded else { return try TaskResult.tell(detail, json: options.appliance.json) }
      let text = (detail.task.output ?? "").trimmingCharacters(in: .whitespacesAndNewlines)
      guard let output else {
        return try show(Answer(cluster: name, server: address, sealed: text), json: options.appliance.json) { text }
      }
      guard let sealed = Data(base64Encoded: text) else {
        throw CommandFailure.failed("\(detail.machine) answered with no sealed file; its agent may be another version")
      }
      let opened: [UInt8]
      do { opened = try AgeFile.open(Array(sealed), with: identity) } catch {
        throw CommandFailure.failed(
          "what \(detail.machine) answered is not sealed to the key that was asked for: \(error)")
      }
      try PrivateFile.write(String(decoding: opened, as: UTF8.self), to: output)
      try show(Answer(cluster: name, server: address, file: output), json: options.appliance.json) {
        "\(output) lets its holder do everything in the cluster '\(name)' at \(address): KUBECONFIG=\(output) kubectl get nodes"
      }
    }
  }
}
