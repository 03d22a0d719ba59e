import Foundation

/// Takes a stack from one machine's file of a declared fleet, with its settings and its place in a backup plan, and gives
/// it to another's.
public struct StackMoveDeclaration: Sendable {
  public private(set) var editor: DeclarationEditor

  public init(_ editor: DeclarationEditor) { self.editor = editor }

  /// Does nothing where the files say so already.
  /// - Throws: ``FleetError`` with what stands against it; nothing is changed then.
  public mutating func move(_ stack: String, from source: String, to target: String) throws(FleetError) {
    let before = editor
    do { try change(stack, from: source, to: target) } catch {
      editor = before
      throw error
    }
  }

  private mutating func change(_ stack: String, from source: String, to target: String) throws(FleetError) {
    let (here, there) = (try editor.stacks(of: source), try editor.stacks(of: target))
    if !here.contains(stack), there.contains(stack) { return }
    guard here.contains(stack) else {
      throw .conflict(
        "machines/\(source).json does not give '\(stack)' to \(source), which has "
          + (here.isEmpty ? "no stacks" : here.joined(separator: ", ")))
    }
    guard !there.contains(stack) else {
      throw .conflict("machines/\(target).json gives '\(stack)' to \(target) too; one of the two has to go first")
    }
    let (before, after) = (try editor.settings(of: source), try editor.settings(of: target))
    try editor.set(.array(here.filter { $0 != stack }.map(JSONValue.text)), at: ["stacks"], of: source)
    try editor.set(.array((there + [stack]).map(JSONValue.text)), at: ["stacks"], of: target)
    try moveSetting(["stacks", "settings", stack], stack, from: source, to: target)
    try moveBackup(stack, before: before, after: after, from: source, to: target)
  }

  /// What the machine's own file says goes along. What the fleet's file says holds for both.
  private mutating func moveSetting(_ path: [String], _ stack: String, from source: String, to target: String)
    throws(FleetError)
  {
    guard let value = try editor.ownSettings(of: source)[path] else { return }
    if let other = try editor.ownSettings(of: target)[path], other != value {
      throw .conflict(
        "machines/\(target).json has settings of its own at \(path.joined(separator: ".")), which are others than those of "
          + "\(source): take one of the two away, so that it is clear which hold")
    }
    try editor.set(nil, at: ["settings"] + path, of: source)
    try editor.set(value, at: ["settings"] + path, of: target)
  }

  private mutating func moveBackup(
    _ stack: String, before: JSONValue, after: JSONValue, from source: String, to target: String
  ) throws(FleetError) {
    let (mine, theirs) = (BorgPlan.all(in: before), BorgPlan.all(in: after))
    let held = mine.filter { $0.holds(stack) }
    let common = held.compactMap { plan in theirs.first { $0.url == plan.url } }.first
    for plan in held {
      guard let stacks = plan.stacks, try editor.ownSettings(of: source)[plan.stacksPath] != nil else { continue }
      try editor.set(
        .array(stacks.filter { $0 != stack }.map(JSONValue.text)), at: ["settings"] + plan.stacksPath, of: source)
    }
    if let common, let stacks = common.stacks, !stacks.contains(stack) {
      try editor.set(
        .array((stacks + [stack]).map(JSONValue.text)), at: ["settings"] + common.stacksPath, of: target)
    }
    for name in ["passphrases", "stackRetention"] {
      try moveSetting(["backup", BorgPlan.design, name, stack], stack, from: source, to: target)
    }
  }
}

extension DeclarationEditor {
  /// The stacks of a machine's file.
  public func stacks(of name: String) throws(FleetError) -> [String] { try own("stacks", of: name)?.texts ?? [] }

  /// The settings of a machine's own file.
  func ownSettings(of name: String) throws(FleetError) -> JSONValue { try own("settings", of: name) ?? .object([:]) }
}
