import FoundationEssentials
import ProgramRunner

/// What Restic said on standard error: text, or with `--json` one JSON object in a line.
struct ResticMessages {
  private struct Line: Decodable {
    struct Reason: Decodable { var message: String? }

    var message_type: String
    var message: String?
    var error: Reason?
    var item: String?
  }

  static let reachAdvice = "see whether the target is up, and its name and port"

  private let code: Int32
  /// Each message in one line, without the call stacks that follow some.
  let problems: [String]

  init(_ output: CommandOutput) {
    code = output.code
    problems = output.standardError.split(whereSeparator: \.isNewline).compactMap { text in
      guard text.hasPrefix("{"), let line = try? JSONDecoder().decode(Line.self, from: Data(text.utf8)) else {
        return Self.isStack(text) ? nil : String(text.prefix(300))
      }
      guard ["error", "exit_error"].contains(line.message_type) else { return nil }
      let said = line.message ?? line.error?.message ?? "can not be read"
      return String([line.item, said].compactMap { $0 }.joined(separator: ": ").prefix(300))
    }.suffix(6)
  }

  private static func isStack(_ text: Substring) -> Bool {
    text.hasPrefix("\t") || ["github.com/", "golang.org/", "main.", "runtime."].contains { text.hasPrefix($0) }
  }

  /// Since Restic 0.17 the exit code says it; before, the text does.
  var isLocked: Bool { code == 11 || problems.contains { $0.contains("repository is already locked") } }

  func error(_ url: String, fallback: NodeWorkError.Kind = .command, problem: String? = nil) -> NodeWorkError {
    let said = problems.suffix(3).joined(separator: " / ")
    let text = said.isEmpty ? "Restic ended with code \(code)" : said
    let what = problem.map { "\($0): \(text)" } ?? "\(url): \(text)"
    func holds(_ texts: String...) -> Bool { texts.contains { part in problems.contains { $0.contains(part) } } }

    if code == 12 || holds("wrong password or no key found") {
      return NodeWorkError(
        .wrongPassphrase, "\(url): the passphrase is wrong", advice: "give the secret to the appliance again")
    }
    if isLocked {
      return NodeWorkError(.repositoryLocked, what, advice: "another Restic works in it; try again when it is done")
    }
    if holds(
      "dial tcp", "connection refused", "no such host", "i/o timeout", "connection reset", "network is unreachable",
      "no route to host", "Client.Timeout", "x509:", "tls:", "(502)", "(503)", "(504)")
    {
      return NodeWorkError(.repositoryUnreachable, what, advice: Self.reachAdvice)
    }
    if holds(
      "(401)", "(403)", "Unauthorized", "unauthorized", "bad_auth_token", "InvalidAccessKeyId", "SignatureDoesNotMatch",
      "Access Denied", "Access Key Id")
    {
      return NodeWorkError(
        .repositoryUnreachable, "\(what)",
        advice: "the target does not take this machine's login: give it its secrets again")
    }
    if holds("already exists", "already initialized") { return NodeWorkError(.refusedExisting, what) }
    if code == 10 || holds("Is there a repository at the following location", "unable to open config file") {
      return NodeWorkError(
        .repositoryMissing, what,
        advice: "make it with 'bootstead-agent backup init'; if it was there before, mount its disk")
    }
    if holds("no matching ID found", "no snapshot found") { return NodeWorkError(.archiveMissing, what) }
    if holds(
      "ciphertext verification failed", "does not match", "invalid data returned", "repository contains errors",
      "unexpected file size", "not found in index", "unexpected EOF")
    {
      return NodeWorkError(.damaged, what, advice: ResticRepository.damageAdvice)
    }
    return NodeWorkError(fallback, what, advice: fallback == .damaged ? ResticRepository.damageAdvice : nil)
  }
}
