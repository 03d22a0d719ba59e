# machine.json as a NixOS module: data in, option values out.
{ lib }:
let
  discover = import ./discover.nix;
  knownRoles = builtins.attrNames (discover ../roles);

  read =
    machine:
    if builtins.isAttrs machine then machine else builtins.fromJSON (builtins.readFile machine);

  enableRole =
    role:
    if builtins.elem role knownRoles then
      { ${role}.enable = true; }
    else
      throw "machine.json: roles: there is no role \"${role}\"; known are ${lib.concatStringsSep ", " knownRoles}.";

  module = data: {
    imports = [
      {
        _file = "machine.json";
        config = {
          nixpkgs.hostPlatform = data.system;
          system.stateVersion = data.stateVersion;
          bootstead = {
            machine = {
              inherit (data) name identifier addresses;
              firmware = data.firmware or "both";
              bootDisk = data.bootDisk;
              network = data.network or { };
              administrator = data.administrator or { };
            };
            storage = {
              fileSystems = data.fileSystems;
              thinPool = data.thinPool or null;
            };
            agent.appliance = data.appliance or { };
            stacks.names = data.stacks or [ ];
            roles = lib.mkMerge (map enableRole (data.roles or [ ]));
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
