import FoundationEssentials
import ProgramRunner

/// What Borg said on standard error with `--log-json`: one JSON object in a line.
struct BorgMessages {
  private struct Line: Decodable {
    var type: String
    var message: String?
    var levelname: String?
    var msgid: String?
  }

  private let lines: [Line]
  private let code: Int32
  /// What came from elsewhere, such as the remote shell.
  private let rest: [String]

  init(_ output: CommandOutput) {
    code = output.code
    var lines: [Line] = []
    var rest: [String] = []
    for text in output.standardError.split(whereSeparator: \.isNewline) {
      if let line = try? JSONDecoder().decode(Line.self, from: Data(text.utf8)) {
        lines.append(line)
      } else {
        rest.append(String(text.prefix(300)))
      }
    }
    self.lines = lines
    self.rest = rest
  }

  /// Warnings and errors, the last ones, each in one line.
  var problems: [String] {
    lines.filter { ["WARNING", "ERROR", "CRITICAL"].contains($0.levelname) }.compactMap(\.message).suffix(4).map {
      String($0.split(whereSeparator: \.isNewline).last ?? "").prefix(300).description
    }
  }

  func error(
    _ url: String, fallback: NodeWorkError.Kind = .command, advice: String? = nil, problem: String? = nil
  ) -> NodeWorkError {
    let said = (problems.isEmpty ? rest.suffix(3) : problems[...]).joined(separator: " / ")
    let text = said.isEmpty ? "Borg ended with code \(code)" : said
    let what = problem.map { "\($0): \(text)" } ?? "\(url): \(text)"
    let identifiers = lines.compactMap(\.msgid)
    for identifier in identifiers.reversed() {
      switch identifier {
      case "PassphraseWrong":
        return NodeWorkError(
          .wrongPassphrase, "\(url): the passphrase is wrong", advice: "give the secret to the appliance again")
      case "PasscommandFailure":
        return NodeWorkError(.configuration, "\(url): the passphrase can not be read: \(text)")
      case "Repository.AlreadyExists": return NodeWorkError(.refusedExisting, what)
      case "Repository.DoesNotExist", "Repository.InvalidRepository", "PathNotAllowed":
        return NodeWorkError(
          .repositoryMissing, what,
          advice: "make it with 'bootstead-agent backup init'; if it was there before, mount its disk")
      case "ConnectionClosed", "ConnectionClosedWithHint":
        return NodeWorkError(
          .repositoryUnreachable, what, advice: "see whether the target is up and takes this machine's SSH key")
      case "LockTimeout", "LockError", "LockErrorT", "LockFailed":
        return NodeWorkError(.repositoryLocked, what, advice: "another Borg works in it; try again when it is done")
      case "Archive.DoesNotExist": return NodeWorkError(.archiveMissing, what)
      case "Cache.RepositoryReplay", "Cache.RepositoryIDNotUnique", "Cache.EncryptionMethodMismatch",
        "Cache.RepositoryAccessAborted":
        return NodeWorkError(
          .repositoryChanged, what,
          advice: "this is not the repository that was used before, or an old copy of it; look before going on")
      default:
        if identifier.contains("Integrity") || identifier.contains("CheckNeeded")
          || identifier.contains("ObjectNotFound") || identifier.contains("Decompression")
        {
          return NodeWorkError(.damaged, what, advice: BorgRepository.damageAdvice)
        }
      }
    }
    return NodeWorkError(fallback, what, advice: advice)
  }
}
