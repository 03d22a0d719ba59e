import ArgumentParser
import Fleet
import Foundation
import ProgramRunner

struct PeerAdd: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "add", abstract: "Make a device's key, declare the device, and show its configuration once.",
    discussion: """
      The private key is in that configuration alone, and is kept nowhere here. The public key and an address go into \
      the machine's file; the node lets the device in with its next system. QR codes are made by qrencode.
      """)

  @OptionGroup var appliance: ApplianceOptions
  @OptionGroup var declared: DeclaredFolderOptions
  @OptionGroup var consent: OperatorConsent
  @Argument(help: "The machine with WireGuard.") var machine: String
  @Argument(help: "The device's name.") var peer: String
  @Option(help: "Its address in the tunnel; otherwise the first free one.") var address: String?
  @Flag(help: "It sends all its traffic through the tunnel.") var fullTunnel = false
  @Option(help: "The server's public key, where it is not declared and the server has a key already.")
  var serverKey: String?
  @Flag(help: "Give the server's own key, where it is made now, also to a machine whose short code nobody compared.")
  var firstUse = false
  @Option(name: .shortAndLong, help: "Write the configuration to this new file instead of showing it.")
  var output: String?
  @Option(help: "Write the QR code to this new file, as PNG.") var png: String?
  @Option(help: "Write the QR code to this new file, as SVG.") var svg: String?

  struct Answer: Encodable {
    var peer: TunnelPeers.Peer
    /// Where no file was asked for.
    var configuration: String?
    var files: [String]
  }

  func validate() throws {
    if let serverKey, !TunnelKey.isPublicKey(serverKey) {
      throw ValidationError("--server-key is no WireGuard key: 44 characters, as 'wg show wg0 public-key' prints it")
    }
  }

  func run() async throws {
    try await reportingFailures {
      var peers = try TunnelPeers(of: machine, in: try EditedDeclaration.open(declared.folder))
      let files = [output, png, svg].compactMap(\.self)
      for file in files where FileManager.default.fileExists(atPath: file) {
        throw CommandFailure.failed("\(file) is there already; name a new file, or delete it")
      }
      let images = QRCode(runner: SubprocessRunner())
      if png != nil || svg != nil { try await images.check() }
      let server = try await server(peers)
      if peers.serverKey == nil { try peers.declareServerKey(server.publicKey) }
      let key = TunnelKey()
      let added = try peers.add(peer, publicKey: key.publicKey, address: address, isFullTunnel: fullTunnel)
      let configuration = try peers.configuration(of: added, key: key, serverKey: server.publicKey)
      try await EditedDeclaration(folder: declared.folder, editor: peers.editor).apply(appliance, consent)
      if let secret = server.secret {
        let path = "/v1/machines/\(pathComponent(machine))/secrets/\(pathComponent(peers.secret))?first-use=\(firstUse)"
        try await appliance.client.perform("PUT", path, body: Data(secret.utf8))
      }
      if let output { try PrivateFile.write(configuration, to: output) }
      if let png { try await images.write(configuration, to: png, type: "PNG") }
      if let svg { try await images.write(configuration, to: svg, type: "SVG") }
      try await tell(added, configuration, files, images)
    }
  }

  private func tell(_ peer: TunnelPeers.Peer, _ configuration: String, _ files: [String], _ images: QRCode) async throws
  {
    if appliance.json {
      return try show(
        Answer(peer: peer, configuration: files.isEmpty ? configuration : nil, files: files), json: true
      ) { "" }
    }
    if files.isEmpty {
      print(configuration)
      do {
        // Block characters only: what qrencode prints steers no terminal.
        print(try await images.text(configuration))
      } catch {
        printError("\(error)")
      }
    }
    FileHandle.standardError.write(
      Data(
        """
        the private key is shown this once\(files.isEmpty ? "" : ", in \(files.joined(separator: " and "))")
        \(machine) lets \(peer.name) in with its next system: bootstead build \(machine), bootstead apply \(machine)

        """.utf8))
  }

  /// The server's public key, and its private one where it is made now.
  private func server(_ peers: TunnelPeers) async throws -> (publicKey: String, secret: String?) {
    if let declared = peers.serverKey {
      if let serverKey, serverKey != declared {
        throw CommandFailure.failed("machines/\(machine).json declares another publicKey of the server: \(declared)")
      }
      return (declared, nil)
    }
    if let serverKey { return (serverKey, nil) }
    let known: [SecretStanding]
    do {
      known = try await appliance.client.get("/v1/machines/\(pathComponent(machine))/secrets")
    } catch CommandFailure.refused(404, _) {
      // It is registered by the declaration that is about to be applied.
      known = []
    }
    guard !known.contains(where: { $0.name == peers.secret }) else {
      throw CommandFailure.failed(
        """
        \(machine) has the secret '\(peers.secret)', whose public key is not known here: run 'sudo wg show wg0 \
        public-key' on it, and give that with --server-key
        """)
    }
    let key = TunnelKey()
    return (key.publicKey, key.secret)
  }
}

/// Files that hold a private key.
enum PrivateFile {
  /// Makes a file for its owner alone. What is there is never replaced.
  static func write(_ text: String, to path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw CommandFailure.failed("\(path) can not be made: \(String(cString: strerror(errno)))")
    }
    let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    try file.write(contentsOf: Data(text.utf8))
    try file.close()
  }
}
