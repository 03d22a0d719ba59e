import BinaryCache
import Fleet
import Foundation
import OperatorAPI

/// Plans, orders and their ends as text.
enum RolloutText {
  static func plan(_ plan: RolloutPlan) -> String {
    if plan.steps.isEmpty { return "no machines yet: bootstead machine add --mac MAC --name NAME" }
    var lines: [String] = []
    for step in plan.steps {
      switch step.action {
      case .change:
        lines.append("\(step.machine): change" + (step.machine == plan.canary ? ", as the canary" : ""))
        lines.append("  runs    \(step.running ?? "nothing")")
        lines.append("  wanted  \(step.wanted ?? "nothing")")
        if let paths = step.newPaths, let bytes = step.newBytes {
          lines.append("  fetches \(paths) paths, \(byteText(bytes))")
        }
      case .nothing: lines.append("\(step.machine): nothing (\(step.reason ?? ""))")
      case .refused: lines.append("\(step.machine): NOT POSSIBLE, \(step.reason ?? "")")
      }
    }
    if let canary = plan.canary { lines.append("all others wait until \(canary) has succeeded") }
    return lines.joined(separator: "\n")
  }

  static func standing(_ order: Rollout) -> String {
    "\(order.standing), ordered \(ageText(order.orderedAt)) (\(order.kind.rawValue))"
      + (order.reason.map { ": \($0)" } ?? "")
  }

  static func history(_ orders: [Rollout], of name: String) -> String {
    if orders.isEmpty { return "\(name) was never told to change its system" }
    var table = TableOutput("ORDERED", "KIND", "SYSTEM", "RESULT", "REASON")
    for order in orders {
      table.rows.append([
        order.orderedAt.formatted(.iso8601), order.kind.rawValue, order.closure, order.standing, order.reason ?? "-",
      ])
    }
    return table.text
  }

  static func difference(_ answer: SystemDifference) -> String {
    let difference = answer.difference
    var lines = ["runs    \(answer.running)", "wanted  \(answer.wanted)"]
    if difference.added.isEmpty, difference.removed.isEmpty {
      return (lines + ["no difference"]).joined(separator: "\n")
    }
    var table = TableOutput("PACKAGE", "RUNS", "WANTED", "SIZE")
    for package in difference.packages {
      table.rows.append([
        package.name, versions(package.before), versions(package.after),
        change(from: package.sizeBefore, to: package.sizeAfter),
      ])
    }
    lines.append(table.text)
    lines.append(
      "\(difference.added.count) paths added (\(byteText(difference.addedSize))), \(difference.removed.count) removed; "
        + "\(byteText(difference.sizeBefore)) become \(byteText(difference.sizeAfter))")
    return lines.joined(separator: "\n")
  }

  private static func versions(_ versions: [String]) -> String {
    versions.isEmpty ? "-" : versions.map { $0.isEmpty ? "(no version)" : $0 }.joined(separator: ", ")
  }

  private static func change(from old: UInt64, to new: UInt64) -> String {
    new >= old ? "+" + byteText(new - old) : "-" + byteText(old - new)
  }
}
