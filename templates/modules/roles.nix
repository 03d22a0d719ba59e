# Roles are files of ../roles. What they have in common is here: which of them exclude each other.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead;
  enabled = lib.attrNames (lib.filterAttrs (_: role: role.enable or false) cfg.roles);
  conflicts = lib.concatMap (
    role: map (other: { inherit role other; }) (lib.intersectLists enabled (cfg.excludedRoles.${role} or [ ]))
  ) enabled;
in
{
  options.bootstead = {
    excludedRoles = mkOption {
      type = types.attrsOf (types.listOf types.str);
      default = { };
      internal = true;
      example = {
        golden = [ "docker-host" ];
      };
      description = "For a role, the roles that a machine cannot have beside it. A role's file states its own.";
    };

    enabledRoles = mkOption {
      type = types.listOf types.str;
      readOnly = true;
      internal = true;
      default = enabled;
      defaultText = lib.literalMD "the roles that are enabled";
      description = "The names of the roles that this machine has.";
    };
  };

  config.assertions = map (
    { role, other }:
    {
      assertion = false;
      message = "bootstead.roles: \"${role}\" and \"${other}\" exclude each other; take one of them out of the machine's roles.";
    }
  ) conflicts;
}
