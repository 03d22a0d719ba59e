import ArgumentParser
import Fleet
import Foundation
import OperatorAPI

/// `plan -f DIR`: prints what a declared fleet would change.
func planDeclaration(_ folder: String, _ appliance: ApplianceOptions) async throws {
  let files = try DeclarationFolder.read(folder)
  let plan: DeclarationPlan = try await appliance.client.send("POST", "/v1/declaration/plan", files)
  try show(plan, json: appliance.json) { plan.text }
}

/// `apply -f DIR`: the same, and does it after consent.
func applyDeclaration(_ folder: String, _ appliance: ApplianceOptions, _ consent: OperatorConsent) async throws {
  let files = try DeclarationFolder.read(folder)
  let plan: DeclarationPlan = try await appliance.client.send("POST", "/v1/declaration/plan", files)
  if !plan.isEmpty {
    FileHandle.standardError.write(Data((terminalText(plan.text) + "\n").utf8))
    try consent.ask("Change the registry like this?")
  }
  let applied: DeclarationPlan = try await appliance.client.send(
    "POST", "/v1/declaration", ApplyDeclaration(files: files, plan: plan.digest))
  try show(applied, json: appliance.json) {
    applied.isEmpty ? "nothing to change" : "applied; build what changed with 'bootstead build NAME' or '--all'"
  }
}
