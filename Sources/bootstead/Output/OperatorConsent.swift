import ArgumentParser
import Foundation

/// The operator's consent to something that can not be taken back: an option, or an answer on the terminal. Where there
/// is neither, nothing is done.
struct OperatorConsent: ParsableArguments {
  @Flag(help: "Consent to what is printed, without a question.")
  var yes = false

  /// - Parameter what: what the consent is for, as a question.
  /// - Throws: exit code 5, with what to add, where nobody consented.
  func ask(_ what: String) throws {
    if yes { return }
    guard isatty(STDIN_FILENO) == 1 else {
      printError("nobody consented, and nothing was changed: look at what would be done, then add --yes")
      throw CommandFailure.withoutConsent
    }
    FileHandle.standardError.write(Data("\(what) Type yes to go on: ".utf8))
    guard readLine()?.trimmingCharacters(in: .whitespaces).lowercased() == "yes" else {
      printError("the answer was not yes; nothing was changed")
      throw CommandFailure.withoutConsent
    }
  }
}

extension CommandFailure {
  /// Nobody consented.
  static let withoutConsent = ExitCode(5)
}
