import ProgramRunner

/// Asks for a name at an address as a browser does, by curl.
struct HubProbe: Sendable {
  enum Outcome: Sendable, Hashable {
    case answered(status: Int, redirect: String?)
    /// The connection was taken and ended without an answer.
    case dropped
    /// Nothing came in time, after the connection.
    case silent
    case noConnection(String)
    case noHandshake(String)
  }

  struct Answer: Sendable, Hashable {
    var outcome: Outcome
    /// What curl says against the certificate; nil where it is trusted.
    var distrust: String?
    var certificate: FoundCertificate?
  }

  var runner: any CommandRunner
  /// The local address to come from; nil: that of the route.
  var source: String?
  /// A file with the authority to trust instead of those of this machine.
  var authority: String?
  /// Seconds.
  var timeout: Int

  private static let format = "%{http_code}\\n%{time_connect}\\n%{redirect_url}\\n%{certs}"

  func ask(_ name: String, at address: String, port: Int, path: String) async throws(NodeWorkError) -> Answer {
    let arguments = [
      "--resolve", "\(name):\(port):\(address.contains(":") ? "[\(address)]" : address)",
      "https://\(name):\(port)\(path.hasPrefix("/") ? path : "/" + path)",
    ]
    let trusting = authority.map { ["--cacert", $0] } ?? []
    let (first, code) = try await curl(trusting + arguments)
    // 60: the certificate is not trusted; 51: the same of old versions.
    guard code == 60 || code == 51 else { return Self.answer(first, code) }
    let reason = Self.reason(first)
    let (second, again) = try await curl(["--insecure"] + arguments)
    var answer = Self.answer(second, again)
    answer.distrust = reason
    return answer
  }

  /// Whether anybody takes a connection at a port, whatever he says then.
  func isOpen(_ address: String, port: Int) async throws(NodeWorkError) -> Bool {
    let host = address.contains(":") ? "[\(address)]" : address
    let (output, _) = try await curl(["http://\(host):\(port)/"])
    return Self.isConnected(output)
  }

  /// Fetches a file by plain HTTP.
  /// - Returns: nil where it is there now, otherwise why not.
  func fetch(_ url: String, to file: String) async throws(NodeWorkError) -> String? {
    let (output, code) = try await curl(["--fail", url], output: file)
    return code == 0 ? nil : Self.reason(output)
  }

  private func curl(_ arguments: [String], output: String = "/dev/null") async throws(NodeWorkError) -> (
    CommandOutput, Int32
  ) {
    // No settings of the user's and no proxy of the network's: it is this way that is tried.
    var command = Command(
      "curl",
      [
        "--disable", "--noproxy", "*", "--silent", "--show-error", "--globoff", "--connect-timeout",
        "\(max(1, timeout / 2))", "--max-time", "\(timeout)", "--output", output, "--write-out", Self.format,
      ] + (source.map { ["--interface", $0] } ?? []) + arguments, timeout: .seconds(timeout * 2 + 10))
    command.acceptedCodes = Set(0...127)
    let ended = try await runner.work(command)
    switch ended.code {
    case 2:
      throw NodeWorkError(
        .command, "curl does not know what it is asked for: \(Self.reason(ended))", advice: "take curl 7.88 or newer")
    case 45:
      throw NodeWorkError(
        .configuration, "no connection can come from \(source ?? "here"): \(Self.reason(ended))",
        advice: "give another address of this machine with --source")
    case 77:
      throw NodeWorkError(
        .configuration, "\(authority ?? "the list of authorities") can not be used: \(Self.reason(ended))",
        advice: "give a certificate in PEM form with --authority")
    case 126, 127: throw NodeWorkError(.command, "curl can not be run: \(Self.reason(ended))", advice: "install curl")
    default: return (ended, ended.code)
    }
  }

  private static func isConnected(_ output: CommandOutput) -> Bool {
    let lines = output.standardOutput.split(separator: "\n", omittingEmptySubsequences: false)
    return lines.count > 1 && lines[1].contains { ("1"..."9").contains($0) }
  }

  private static func answer(_ output: CommandOutput, _ code: Int32) -> Answer {
    let lines = output.standardOutput.split(separator: "\n", maxSplits: 3, omittingEmptySubsequences: false)
    let certificate = lines.count == 4 ? FoundCertificate(curl: String(lines[3])) : nil
    let outcome: Outcome
    switch code {
    case 0 where lines.count == 4:
      outcome = .answered(status: Int(lines[0]) ?? 0, redirect: lines[2].isEmpty ? nil : String(lines[2]))
    case 35: outcome = .noHandshake(reason(output))
    case 28 where isConnected(output): outcome = .silent
    // 16, 92: HTTP/2 ended; 52: empty; 55, 56: ended while written and read.
    case 16, 52, 55, 56, 92: outcome = .dropped
    default: outcome = .noConnection(reason(output))
    }
    return Answer(outcome: outcome, distrust: nil, certificate: certificate)
  }

  /// curl's own words, without its number.
  private static func reason(_ output: CommandOutput) -> String {
    let line = output.standardError.split(separator: "\n").first { $0.hasPrefix("curl: ") } ?? "curl: no reason given"
    let words = line.dropFirst("curl: ".count)
    guard words.hasPrefix("("), let end = words.firstIndex(of: ")") else { return String(words.prefix(300)) }
    return String(words[words.index(after: end)...].drop { $0 == " " }.prefix(300))
  }
}
