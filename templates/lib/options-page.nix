# Makes docs/options.md out of the modules.
{ lib, evaluate }:
let
  system = evaluate {
    system = null;
    modules = [
      ../modules
      { nixpkgs.hostPlatform = "x86_64-linux"; }
    ];
  };
  all = lib.optionAttrSetToDocList system.options.bootstead;
  visible = builtins.filter (option: option.visible && !option.internal) all;
  isOption = option: !lib.hasPrefix "_" option.name;

  text =
    value:
    if value ? _type && (value._type == "literalExpression" || value._type == "literalMD") then
      value.text
    else
      lib.generators.toPretty { } value;
  isMarkdown = value: value ? _type && value._type == "literalMD";
  oneLine = value: builtins.replaceStrings [ "\n" ] [ " " ] value;
  inline =
    label: value:
    let
      shown = lib.trim (text value);
    in
    if isMarkdown value then
      "- ${label}: ${oneLine shown}\n"
    else if lib.hasInfix "\n" shown then
      "- ${label}:\n\n  ```nix\n  ${builtins.replaceStrings [ "\n" ] [ "\n  " ] shown}\n  ```\n"
    else
      "- ${label}: `${shown}`\n";

  entry =
    option:
    "### ${builtins.replaceStrings [ "<" ">" "*" ] [ "‹" "›" "\\*" ] option.name}\n\n"
    + lib.optionalString (option ? description && option.description != null) "${
      lib.trim (if builtins.isString option.description then option.description else option.description.text)
    }\n\n"
    + "- Type: ${oneLine option.type}\n"
    + lib.optionalString (option ? default) (inline "Default" option.default)
    + lib.optionalString (option ? example) (inline "Example" option.example)
    + lib.optionalString option.readOnly "- Read only\n";

  branch = option: builtins.elemAt option.loc 1;
  branches = lib.groupBy branch (builtins.filter isOption visible);
in
''
  # Options

  What stands in `settings` of `machine.json`, or below `bootstead` in a module of your own. Made from the modules by
  `Scripts/check-nix --options`; do not edit.

  ${lib.concatMapStringsSep "\n" (name: "- [bootstead.${name}](#bootstead${name})") (builtins.attrNames branches)}
''
+ lib.concatStrings (
  lib.mapAttrsToList (
    name: options: "\n## bootstead.${name}\n\n${lib.concatMapStringsSep "\n" entry options}"
  ) branches
)
