# Option types and small functions that several modules use; modules get them as the argument `bootsteadLib`.
{ lib }:
let
  inherit (lib) mkOption types;
  referencePattern = "secret:([a-z0-9]{1,20}([.-][a-z0-9]{1,20})*)";
in
rec {
  # A secret by its name. Whatever else somebody writes there may be the secret itself: it is refused without being
  # shown, and before it can get into a derivation.
  secretReference = lib.mkOptionType {
    name = "secretReference";
    description = "reference to a secret, \"secret:NAME\"";
    descriptionClass = "noun";
    check = _: true;
    merge =
      location: definitions:
      let
        values = lib.unique (map (definition: definition.value) definitions);
        value = builtins.head values;
        files = lib.concatMapStringsSep ", " (definition: toString definition.file) definitions;
      in
      if builtins.length values > 1 then
        throw "${lib.showOption location} is set to different secrets, in ${files}."
      else if builtins.isString value && builtins.match referencePattern value != null then
        value
      else
        throw "${lib.showOption location}, set in ${files}, takes the name of a secret as \"secret:NAME\", never the secret itself. Give its value to the appliance.";
  };

  # secret:NAME → NAME
  secretName = reference: builtins.head (builtins.match referencePattern reference);
  # Where the agent lays the secret down.
  secretPath = reference: "/run/bootstead/secrets/${secretName reference}";

  stableDisk = types.strMatching "/dev/disk/by-(id|path)/[^/ ]+";
  absolutePath = types.strMatching "/|(/[A-Za-z0-9_.@-]+)+";

  # How many archives or snapshots stay.
  retention =
    defaults:
    lib.genAttrs
      [
        "last"
        "daily"
        "weekly"
        "monthly"
        "yearly"
      ]
      (
        span:
        mkOption {
          type = types.ints.unsigned;
          default = defaults.${span} or 0;
          description = "How many ${if span == "last" then "of the latest" else "${span} ones"} stay.";
        }
      );

  # Whether a path is the mount point itself or below it.
  isBelow = mountPoint: path: path == mountPoint || lib.hasPrefix (lib.removeSuffix "/" mountPoint + "/") path;

  # The mount point, out of a list, that a path lies on; null where none fits.
  mountPointOf =
    mountPoints: path:
    lib.findFirst (mountPoint: isBelow mountPoint path) null (
      lib.sort (a: b: builtins.stringLength a > builtins.stringLength b) mountPoints
    );
}
