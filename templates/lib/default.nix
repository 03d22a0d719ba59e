# What the flake offers as `lib`. `nixpkgs` is a path or a flake input.
{ nixpkgs }:
let
  lib = import (nixpkgs + "/lib");
  machineData = import ./machine-data.nix { inherit lib; };
  discover = import ./discover.nix;
in
{
  inherit discover;
  inherit (machineData) read;

  # A NixOS system from machine.json and the owner's modules.
  node = import ./node.nix { inherit lib nixpkgs machineData; };
}
