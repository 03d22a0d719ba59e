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

  # The data of each system that has some; images have none.
  machines =
    lib.mapAttrs (_: case: case.machine) acceptedCases
    // lib.concatMapAttrs (
      fleet: _:
      lib.mapAttrs' (file: _: {
        name = "example/${fleet}/${lib.removeSuffix ".json" file}";
        value = bootstead.read (../examples + "/${fleet}/machines/${file}");
      }) (builtins.readDir (../examples + "/${fleet}/machines"))
    ) (lib.genAttrs fleets (_: null));
  undeclared = import ./declared-disks.nix { inherit lib; };

  # The derivation's path, or what is wrong as an error.
  outcome =
    machine: system:
    let
      inherit (system) config;
      differences = if machine == null then [ ] else undeclared machine config;
      derivation = config.system.build.${system.result or "toplevel"}.drvPath;
    in
    # First, as its assertions say best what is wrong.
    builtins.seq derivation (
      if config.warnings != [ ] then
        throw "there are warnings: ${lib.concatStringsSep "; " config.warnings}"
      else if differences != [ ] then
        throw "machine.json and the system differ: ${lib.concatStringsSep "; " differences}"
      else
        derivation
    );

  acceptedCases = lib.foldl' (all: file: all // cases file) { } [
    ./roles.nix
    ./role-options.nix
    ./storage.nix
    ./backup.nix
    ./access.nix
    ./access-options.nix
  ];
  refusedCases = lib.foldl' (all: file: all // cases file) { } [
    ./refusals.nix
    ./refusals-roles.nix
    ./refusals-storage.nix
    ./leaks.nix
  ];

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

  accepted = lib.mapAttrs (name: outcome (machines.${name} or null)) systems;
  refused = lib.mapAttrs (_: case: outcome case.machine (evaluate case)) refusedCases;
  says = lib.mapAttrs (_: case: case.says) refusedCases;

  # What shows that the search for secrets finds them: a module that does what it must not.
  leaking =
    (evaluate {
      machine = base.thin;
      modules = [ { environment.etc.leaking.text = secret; } ];
    }).config.system.build.toplevel;
  # A list: nix-instantiate passes over attributes with a slash in their names.
  examples = map (system: system.config.system.build.toplevel) (builtins.attrValues exampleSystems);

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
