import Fleet
import Foundation
import OperatorAPI

/// Files of a declared fleet that a command changed, on their way into the folder and the registry.
struct EditedDeclaration {
  let folder: String
  let editor: DeclarationEditor

  static func open(_ folder: String) throws -> DeclarationEditor {
    DeclarationEditor(try DeclarationFolder.read(folder))
  }

  func plan(_ appliance: ApplianceOptions) async throws -> DeclarationPlan {
    try await appliance.client.send("POST", "/v1/declaration/plan", editor.files)
  }

  /// Prints the plan, asks, writes the files and applies them.
  func apply(_ appliance: ApplianceOptions, _ consent: OperatorConsent) async throws {
    let plan = try await plan(appliance)
    if !plan.isEmpty || !editor.changed.isEmpty {
      FileHandle.standardError.write(Data((terminalText(plan.text) + "\n").utf8))
      try consent.ask("Change the files in \(folder) and the registry like this?")
    }
    try await write(plan, appliance)
  }

  /// Writes the files and applies them, as the plan that was consented to says.
  func write(_ plan: DeclarationPlan, _ appliance: ApplianceOptions) async throws {
    let before = try DeclarationFolder.read(folder)
    do {
      for path in editor.changed.sorted() { try write(editor.files.files[path], to: path) }
      let _: DeclarationPlan = try await appliance.client.send(
        "POST", "/v1/declaration", ApplyDeclaration(files: editor.files, plan: plan.digest))
    } catch {
      // The folder says what is applied, or what its owner wrote; nothing between.
      for path in editor.changed.sorted() { try write(before.files[path], to: path) }
      throw error
    }
  }

  private func write(_ data: Data?, to path: String) throws {
    guard let data else { return }
    do {
      try data.write(to: URL(fileURLWithPath: folder).appendingPathComponent(path), options: .atomic)
    } catch {
      throw CommandFailure.failed("\(path) can not be written: \(error.localizedDescription)")
    }
  }
}
