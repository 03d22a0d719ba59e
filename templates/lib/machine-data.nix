# machine.json as a NixOS module: data in, option values out. What breaks the schema is refused with the field's path.
{ lib }:
let
  discover = import ./discover.nix;
  knownRoles = builtins.attrNames (discover ../roles);
  validate = import ./validate.nix {
    inherit lib;
    schema = builtins.fromJSON (builtins.readFile ../schema/machine.schema.json);
  };

  refuse = problems: throw "machine.json is refused:\n${lib.concatMapStrings (problem: "  ${problem}\n") problems}";

  unknownRoles =
    data:
    lib.concatLists (
      lib.imap0 (
        index: role:
        lib.optional (!builtins.elem role knownRoles)
          "roles[${toString index}]: there is no role \"${role}\"; known are ${lib.concatStringsSep ", " knownRoles}"
      ) (data.roles or [ ])
    );

  read =
    machine:
    let
      data =
        if builtins.isAttrs machine then machine else builtins.fromJSON (builtins.readFile machine);
      problems = validate data;
    in
    if problems != [ ] then
      refuse problems
    else if unknownRoles data != [ ] then
      refuse (unknownRoles data)
    else
      data;

  # Fields of machine.json that are options of their own; only those that are there, so that defaults stay the modules'.
  pick = names: data: lib.getAttrs (builtins.filter (name: data ? ${name}) names) data;

  module = data: {
    imports = [
      {
        _file = "machine.json";
        config = {
          nixpkgs.hostPlatform = data.system;
          system.stateVersion = data.stateVersion;
          bootstead = {
            machine = pick [
              "name"
              "identifier"
              "addresses"
              "firmware"
              "bootDisk"
              "network"
              "administrator"
            ] data;
            storage = pick [
              "fileSystems"
              "thinPool"
              "bootDiskSize"
              "dataDisk"
              "dataDiskSize"
            ] data;
            agent = pick [ "appliance" ] data;
            stacks.names = data.stacks or [ ];
            roles = lib.genAttrs (data.roles or [ ]) (_: {
              enable = true;
            });
          };
        };
      }
      {
        _file = "machine.json: settings";
        config.bootstead = data.settings or { };
      }
    ];
  };
in
{
  inherit read module knownRoles;
}
