# Secrets by name. Their values come from the appliance, sealed to this machine, and never enter the store.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.secrets;
  units = lib.unique (lib.concatMap (secret: secret.units) (builtins.attrValues cfg));
  file = (pkgs.formats.json { }).generate "bootstead-secrets.json" {
    schema = 1;
    secrets = lib.mapAttrsToList (name: secret: {
      inherit name;
      inherit (secret) owner path;
    }) cfg;
  };
in
{
  options.bootstead.secrets = mkOption {
    default = { };
    example = {
      cloudflare-token = {
        owner = "acme";
        units = [ "traefik.service" ];
      };
    };
    description = ''
      The secrets that this machine needs, by name. The agent fetches them sealed to the machine's key and lays them
      down before the units that use them start. Only names stand here; values are given to the appliance.
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
              description = "Units that start once the secret is there, and not without it.";
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

    environment.etc."bootstead/secrets.json".source = file;
    systemd.services.bootstead-secrets = {
      description = "Lay down the secrets that this machine needs";
      wantedBy = [ "multi-user.target" ];
      requiredBy = units;
      before = units;
      wants = [ "network-online.target" ];
      after = [ "network-online.target" ];
      restartTriggers = [ file ];
      serviceConfig = {
        Type = "oneshot";
        RemainAfterExit = true;
        ExecStart = "${config.bootstead.agent.program} secrets apply --configuration /etc/bootstead/secrets.json";
        RuntimeDirectory = "bootstead/secrets";
        RuntimeDirectoryMode = "0711";
        RuntimeDirectoryPreserve = true;
        UMask = "0077";
      };
    };
  };
}
