{
  lib,
  nixpkgs,
  machineData,
}:
{
  # machine.json, or the same as an attribute set.
  machine,
  # The owner's modules, beside those that machine.json names.
  modules ? [ ],
}:
let
  data = machineData.read machine;
  isFile = builtins.isPath machine || builtins.isString machine;
  folder = builtins.dirOf machine;
  ownModule =
    name:
    if isFile then
      folder + "/${name}"
    else
      throw "machine.json: modules: a machine that is given as a value names no files; pass them to lib.node as modules.";
in
import (nixpkgs + "/nixos/lib/eval-config.nix") {
  inherit lib;
  # The platform comes from the machine itself.
  system = null;
  modules = [
    ../modules
    (machineData.module data)
  ]
  ++ map ownModule (data.modules or [ ])
  ++ modules;
}
