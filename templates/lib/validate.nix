# Checks a value against a JSON schema and returns what is wrong, each with the path of the field:
# `network.interfaces[0].mac: …`. It knows the words of the vocabulary that our schema uses and refuses others, so that
# a rule is never silently passed over. Patterns are full matches (`^…$`) in the syntax that ECMA and POSIX share.
{ lib, schema }:
let
  inherit (lib)
    attrNames
    concatLists
    concatMapStringsSep
    elem
    hasAttr
    imap0
    ;

  knownWords = [
    "$defs"
    "$id"
    "$ref"
    "$schema"
    "additionalProperties"
    "const"
    "description"
    "enum"
    "items"
    "maximum"
    "minItems"
    "minimum"
    "pattern"
    "properties"
    "required"
    "title"
    "type"
    "uniqueItems"
  ];

  typeNames = {
    array = "a list";
    boolean = "true or false";
    integer = "a whole number";
    object = "an object";
    string = "text";
  };
  hasType =
    type: value:
    {
      array = builtins.isList value;
      boolean = builtins.isBool value;
      integer = builtins.isInt value;
      object = builtins.isAttrs value;
      string = builtins.isString value;
    }
    .${type};

  # `#/$defs/mac` is the only kind of reference there is.
  resolve =
    rule: if rule ? "$ref" then schema."$defs".${lib.removePrefix "#/$defs/" rule."$ref"} else rule;

  text = builtins.toJSON;
  below = path: name: if path == "" then name else "${path}.${name}";
  wrong = path: message: [ "${if path == "" then "(the whole)" else path}: ${message}" ];
  expected = rule: lib.optionalString (rule ? description) "; expected ${rule.description}";

  checkObject =
    path: rule: value:
    concatLists (
      map (
        name:
        lib.optionals (!hasAttr name value) (wrong (below path name) "is missing")
      ) (rule.required or [ ])
      ++ map (
        name:
        if hasAttr name (rule.properties or { }) then
          check (below path name) rule.properties.${name} value.${name}
        else
          lib.optionals (rule.additionalProperties or true == false) (
            wrong (below path name) "there is no such field; known are ${
              concatMapStringsSep ", " lib.id (attrNames rule.properties)
            }"
          )
      ) (attrNames value)
    );

  checkArray =
    path: rule: value:
    lib.optionals (rule ? minItems && builtins.length value < rule.minItems) (
      wrong path "needs at least ${toString rule.minItems}"
    )
    ++ lib.optionals (rule.uniqueItems or false && lib.unique value != value) (
      wrong path "names the same twice"
    )
    ++ lib.optionals (rule ? items) (
      concatLists (imap0 (index: check "${path}[${toString index}]" rule.items) value)
    );

  checkString =
    path: rule: value:
    lib.optionals (rule ? pattern && builtins.match (lib.removeSuffix "$" (lib.removePrefix "^" rule.pattern)) value == null) (
      wrong path "${text value} is not possible here${expected rule}"
    );

  checkInteger =
    path: rule: value:
    lib.optionals (rule ? minimum && value < rule.minimum) (
      wrong path "${toString value} is under ${toString rule.minimum}${expected rule}"
    )
    ++ lib.optionals (rule ? maximum && value > rule.maximum) (
      wrong path "${toString value} is over ${toString rule.maximum}${expected rule}"
    );

  check =
    path: unresolved: value:
    let
      rule = resolve unresolved;
      unknown = lib.subtractLists knownWords (attrNames rule);
    in
    if unknown != [ ] then
      throw "machine.schema.json: ${path}: the rule ${text (builtins.head unknown)} is not known to lib/validate.nix."
    else if rule ? const then
      lib.optionals (value != rule.const) (
        wrong path "has to be ${text rule.const}${expected rule}"
      )
    else if rule ? enum then
      lib.optionals (!elem value rule.enum) (
        wrong path "${text value} is none of ${concatMapStringsSep ", " text rule.enum}"
      )
    else if !hasType rule.type value then
      wrong path "has to be ${typeNames.${rule.type}}${expected rule}"
    else if rule.type == "object" then
      checkObject path rule value
    else if rule.type == "array" then
      checkArray path rule value
    else if rule.type == "string" then
      checkString path rule value
    else if rule.type == "integer" then
      checkInteger path rule value
    else
      [ ];
in
check "" schema
