# What Scripts/check-nix evaluates. `accepted` has to give a system without a warning; `refused` has to fail and say why.
{ nixpkgs }:
let
  bootstead = import ../lib { inherit nixpkgs; };
  lib = import (nixpkgs + "/lib");
  base = import ./machine.nix { inherit lib; };
  # Recognisable, and of a form that no name of a secret has.
  secret = "Bootstead_Secret_VALUE_4711!";

  arguments = {
    inherit lib base secret;
    inherit (bootstead) knownRoles;
  };
  cases = file: import file arguments;

  evaluate =
    case:
    bootstead.node {
      inherit (case) machine;
      modules = case.modules or [ ];
      root = case.root or null;
    };

  fleets = builtins.attrNames (builtins.readDir ../examples);
  exampleSystems = lib.concatMapAttrs (
    fleet: _:
    lib.mapAttrs' (name: system: {
      name = "example/${fleet}/${name}";
      value = system;
    }) (bootstead.fleet (../examples + "/${fleet}"))
  ) (lib.genAttrs fleets (_: null));

  images = import ../../images { inherit nixpkgs; };
  # What of an image is handed out.
  imageResults = {
    installer = "bootsteadImage";
    kexec = "kexecTree";
    base = "toplevel";
  };
  imageSystems = lib.listToAttrs (
    lib.concatMap (
      system:
      lib.mapAttrsToList (image: result: {
        name = "image/${image}/${system}";
        value = images.configurations.${image} {
          inherit system;
          # Any file stands in for the agent: nothing is built.
          agent = ./machine.nix;
        } // {
          inherit result;
        };
      }) imageResults
    ) images.systems
  );

  acceptedCases = lib.foldl' (all: file: all // cases file) { } [
    ./roles.nix
    ./storage.nix
    ./backup.nix
    ./access.nix
  ];
  refusedCases = cases ./refusals.nix // cases ./leaks.nix;

  # Options that take a secret, and which of them no case in leaks.nix covers.
  system = evaluate { machine = base.thin; };
  secretOptions = builtins.filter (option: lib.hasInfix "reference to a secret" option.type) (
    builtins.filter (option: !lib.hasPrefix "bootstead.backup.plans" option.name) (
      lib.optionAttrSetToDocList system.options.bootstead
    )
  );
  covered = lib.concatMap (case: case.covers or [ ]) (builtins.attrValues (cases ./leaks.nix));
  uncovered = lib.subtractLists covered (map (option: option.name) secretOptions);
in
rec {
  inherit secret;

  systems = lib.mapAttrs (_: evaluate) acceptedCases // exampleSystems // imageSystems;

  # The derivation's path, or the warnings as an error.
  accepted = lib.mapAttrs (
    name: system:
    if system.config.warnings != [ ] then
      throw "${name} warns: ${lib.concatStringsSep "; " system.config.warnings}"
    else
      system.config.system.build.${system.result or "toplevel"}.drvPath
  ) systems;

  refused = lib.mapAttrs (_: case: (evaluate case).config.system.build.toplevel.drvPath) refusedCases;
  says = lib.mapAttrs (_: case: case.says) refusedCases;

  # What shows that the search for secrets finds them: a module that does what it must not.
  leaking =
    (evaluate {
      machine = base.thin;
      modules = [ { environment.etc.leaking.text = secret; } ];
    }).config.system.build.toplevel;
  examples = lib.mapAttrs (_: system: system.config.system.build.toplevel) exampleSystems;

  everySecretOptionIsCovered =
    if uncovered == [ ] then
      true
    else
      throw "No case in templates/checks/leaks.nix covers ${lib.concatStringsSep ", " uncovered}.";

  inherit (bootstead) optionsPage;

  names = {
    accepted = builtins.attrNames systems;
    refused = builtins.attrNames refusedCases;
  };
}
