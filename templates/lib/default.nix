# What the flake offers as `lib`. `nixpkgs` is a path or a flake input.
{ nixpkgs }:
let
  lib = nixpkgs.lib or (import (nixpkgs + "/lib"));
  # The flake's own function knows the revision, and puts it into the system's version.
  evaluate = nixpkgs.lib.nixosSystem or (import (nixpkgs + "/nixos/lib/eval-config.nix"));
  machineData = import ./machine-data.nix { inherit lib; };
  node = import ./node.nix { inherit evaluate machineData; };
in
{
  inherit (machineData) read knownRoles;

  # A NixOS system from machine.json and the owner's modules.
  inherit node;

  # All systems of a folder with machines/NAME.json, by name. Paths in them start at the folder.
  fleet =
    folder:
    let
      entries = builtins.readDir (folder + "/machines");
      files = builtins.filter (file: lib.hasSuffix ".json" file) (builtins.attrNames entries);
    in
    lib.listToAttrs (
      map (file: {
        name = lib.removeSuffix ".json" file;
        value = node {
          machine = folder + "/machines/${file}";
          root = folder;
        };
      }) files
    );

  # The reference of all options below `bootstead`, in Markdown.
  optionsPage = import ./options-page.nix { inherit lib evaluate; };
}
