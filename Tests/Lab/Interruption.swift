import Foundation
import Lab

/// One thing that goes wrong in the course of an install, and when.
struct Interruption: Sendable, CustomStringConvertible {
  enum Kind: String, Sendable {
    case cutPower = "power cut"
    case killAppliance = "appliance killed"
    /// Until the kernel gives up and restarts the machine.
    case stallDisks = "disks stand still"
  }

  /// What the machine is doing.
  enum Place: String, Sendable, CaseIterable {
    case firmware, installer, disks, copy
    /// From the moment on in which paths are safe from a power cut: later parts of a fast copy, or its end.
    case recordedCopy = "recorded copy"
    case bootLoader = "boot loader"
    case handOff = "hand-off"
    case restart

    /// In seconds, how long that takes in a lab machine or a little longer.
    var length: Double {
      switch self {
      case .firmware: 20
      case .installer: 8
      case .disks: 8
      case .copy, .recordedCopy: 3
      case .bootLoader: 10
      case .handOff: 2
      case .restart: 40
      }
    }
  }

  var kind: Kind
  var place: Place
  /// Of the copy, 0 to 1; for other places nothing.
  var fraction = 0.0
  /// In milliseconds, after the place was reached.
  var delay: Int
  /// In milliseconds, how long the appliance stays away.
  var absence = 0

  /// Somewhere in the place.
  static func random(
    _ kind: Kind, in place: Place, fractions: ClosedRange<Double> = 0...0.9,
    using generator: inout some RandomNumberGenerator
  ) -> Interruption {
    Interruption(
      kind: kind, place: place, fraction: place == .copy ? Double.random(in: fractions, using: &generator) : 0,
      delay: Int.random(in: 0...Int(place.length * 1000), using: &generator),
      absence: kind == .killAppliance ? Int.random(in: 0...8000, using: &generator) : 0)
  }

  /// Whether a machine that has printed this since its start is there.
  func isReached(_ console: String) -> Bool {
    switch place {
    case .firmware: true
    case .installer: console.contains("bootstead: micro-installer")
    case .disks: console.contains("laying out ")
    case .copy: CopyProgress(console).last.map { $0 >= Int(fraction * 100) } ?? false
    case .recordedCopy: CopyProgress(console).recorded > 0 || console.contains("installing the boot loader")
    case .bootLoader: console.contains("installing the boot loader")
    case .handOff: console.contains("handing over ")
    case .restart: console.contains("it restarts from its own disk")
    }
  }

  var description: String {
    let part = place == .copy ? " \(Int(fraction * 100)) %" : ""
    let away = kind == .killAppliance ? ", away for \(Double(absence) / 1000) s" : ""
    return "\(kind.rawValue) in \(place.rawValue)\(part) + \(Double(delay) / 1000) s\(away)"
  }
}

/// What the agent said of its copy on a console, in percent.
struct CopyProgress {
  var percents: [Int]
  /// How often it began to copy.
  var starts: Int
  /// Paths that were safe from a power cut when the copy began, and at last.
  var firstRecorded: Int?
  var recorded = 0

  init(_ console: String) {
    percents = []
    for line in console.split(separator: "\n") {
      guard let start = line.range(of: "copying: ") else { continue }
      if let number = Int(line[start.upperBound...].prefix { $0.isNumber }), line[start.upperBound...].contains(" %") {
        percents.append(number)
      }
      guard let end = line.range(of: " safe from a power cut"),
        let number = Int(line[..<end.lowerBound].split(separator: "(").last ?? "")
      else { continue }
      firstRecorded = firstRecorded ?? number
      recorded = max(recorded, number)
    }
    starts = console.components(separatedBy: "copying /nix/store/").count - 1
  }

  var first: Int? { percents.first }
  var last: Int? { percents.max() }
}
