# Secrets by name. Their values come from the appliance, sealed to this machine, and never enter the store.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.secrets;
in
{
  options.bootstead.secrets = mkOption {
    default = { };
    example = {
      cloudflare-token.owner = "acme";
    };
    description = ''
      The secrets that this machine needs, by name. The agent fetches them sealed to the machine's key and lays them
      down before the units that use them start.
    '';
    type = types.attrsOf (
      types.submodule (
        { name, ... }:
        {
          options = {
            owner = mkOption {
              type = types.str;
              default = "root";
              description = "The user that may read the file.";
            };
            units = mkOption {
              type = types.listOf (types.strMatching ".+\\.service");
              default = [ ];
              example = [ "traefik.service" ];
              description = "Units that start after the secret is there, and not without it.";
            };
            path = mkOption {
              type = types.str;
              readOnly = true;
              default = "/run/bootstead/secrets/${name}";
              defaultText = lib.literalExpression "\"/run/bootstead/secrets/NAME\"";
              description = "Where the secret lies, mode 0400.";
            };
          };
        }
      )
    );
  };

  config = lib.mkIf (cfg != { }) {
    assertions = lib.mapAttrsToList (name: _: {
      assertion = builtins.match "[a-z0-9]([a-z0-9.-]{0,62}[a-z0-9])?" name != null;
      message = "bootstead.secrets: \"${name}\" is no name of a secret; use lower-case letters, digits, dots and hyphens.";
    }) cfg;
  };
}
