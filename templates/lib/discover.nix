# The module files of a folder, by name: `discover ./roles` gives { dns = ./roles/dns.nix; … }.
# A name that starts with an underscore is a part of another file and no module by itself.
folder:
let
  entries = builtins.readDir folder;
  isModule =
    name:
    entries.${name} == "regular"
    && builtins.match "[^_].*\\.nix" name != null;
  files = builtins.filter isModule (builtins.attrNames entries);
in
builtins.listToAttrs (
  map (file: {
    name = builtins.substring 0 (builtins.stringLength file - 4) file;
    value = folder + "/${file}";
  }) files
)
