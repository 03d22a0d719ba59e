import Foundation

/// The rounds of a soak, one line each, printed as they end.
struct SoakTable {
  private var passed = 0
  private var rounds = 0

  init(title: String) {
    print(title)
    print(Self.row(["round", "seed", "boots", "seconds", "result", "data", "lost", "interruptions"]))
  }

  /// One to three power cuts anywhere, and in every second round the appliance is killed somewhere too.
  static func interruptions(using generator: inout some RandomNumberGenerator) -> [Interruption] {
    func interruption(_ kind: Interruption.Kind) -> Interruption {
      let place = Interruption.Place.allCases.randomElement(using: &generator) ?? .copy
      return .random(kind, in: place, using: &generator)
    }
    var interruptions = (0..<Int.random(in: 1...3, using: &generator)).map { _ in interruption(.cutPower) }
    if Bool.random(using: &generator) {
      interruptions.insert(
        interruption(.killAppliance), at: Int.random(in: 0...interruptions.count, using: &generator))
    }
    return interruptions
  }

  /// - Parameter isDataEqual: whether the data volume's hash is what it was before; nil where there was no data.
  mutating func add(round: Int, seed: UInt64, course: InterruptedInstall.Course, isDataEqual: Bool?) {
    rounds += 1
    if isDataEqual != false { passed += 1 }
    print(
      Self.row([
        "\(round + 1)", "\(seed)", "\(course.consoles.count)", "\(course.seconds)", "active",
        isDataEqual.map { $0 ? "equal" : "CHANGED" } ?? "-", "\(course.lostBlocks)",
        course.applied.map(\.description).joined(separator: "; "),
      ]))
  }

  mutating func add(round: Int, seed: UInt64, failure: String) {
    rounds += 1
    let line = failure.split(whereSeparator: \.isNewline).first.map(String.init) ?? "unknown"
    print(Self.row(["\(round + 1)", "\(seed)", "-", "-", "FAILED", "-", "-", line]))
  }

  var summary: String { "\(passed) of \(rounds) rounds ended active" }

  private static func row(_ fields: [String]) -> String {
    let widths = [6, 21, 6, 8, 7, 8, 6, 0]
    return zip(fields, widths).map { field, width in
      field.padding(toLength: max(width, field.count), withPad: " ", startingAt: 0)
    }
    .joined(separator: " ")
  }
}
