import Images

/// A store path, by its shape (Nix, `store-dir-config.cc` and `path.cc`): 32 characters of Nix's base 32 and a name.
func checkedClosure(_ text: String) throws(FleetError) -> String {
  guard text.wholeMatch(of: /\/nix\/store\/[0-9a-df-np-sv-z]{32}-[0-9A-Za-z+\-._?=]{1,211}/) != nil else {
    throw .invalidValue(
      field: "closure", reason: "'\(displayable(text, limit: 120))' is not a store path such as /nix/store/HASH-NAME")
  }
  return text
}

func checkedImage(_ text: String) throws(FleetError) -> String {
  do { return try ImageName(text).text } catch { throw .invalidValue(field: "image", reason: error.description) }
}

/// The name of a role or a stack, as `machine.json` takes it.
func checkedName(_ text: String, field: String) throws(FleetError) -> String {
  guard text.utf8.count <= 63, text.wholeMatch(of: /[a-z0-9]([a-z0-9\-]*[a-z0-9])?/) != nil else {
    throw .invalidValue(
      field: field,
      reason: "'\(displayable(text, limit: 80))' is not a name: use 1 to 63 of a-z, 0-9 and inner hyphens")
  }
  return text
}

/// Comma separated names of roles.
func checkedRoles(_ text: String) throws(FleetError) -> String {
  var names: [String] = []
  for name in text.split(separator: ",", omittingEmptySubsequences: false) {
    let name = try checkedName(name.filter { $0 != " " }, field: "role")
    if !names.contains(name) { names.append(name) }
  }
  return names.joined(separator: ",")
}

/// What a machine or an agent said, for logs and screens: without characters that steer a terminal or reverse its
/// text, and cut to length.
func displayable(_ text: String, limit: Int) -> String {
  var result = String.UnicodeScalarView()
  for scalar in text.unicodeScalars.prefix(limit) {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned:
      result.append("\u{FFFD}")
    default: result.append(scalar)
    }
  }
  return String(result)
}
