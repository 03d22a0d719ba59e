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
  # Words of a name are short: a token or a key that somebody wrote instead of its name is not.
  isName =
    name:
    builtins.match "[a-z0-9]([a-z0-9.-]{0,62}[a-z0-9])?" name != null
    && builtins.match ".*[a-z0-9]{21}.*" name == null;
  allOf = field: lib.unique (lib.concatMap (secret: secret.${field}) (builtins.attrValues cfg));
  units = allOf "units";
  file = (pkgs.formats.json { }).generate "bootstead-secrets.json" {
    schema = 1;
    secrets = lib.mapAttrsToList (name: secret: {
      inherit name;
      inherit (secret) owner path;
      units = lib.unique (secret.units ++ secret.lenientUnits);
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
              example = "999:999";
              description = "The user that may read the file: by name, or as USER:GROUP in numbers for one of a container.";
            };

            units = mkOption {
              type = types.listOf (types.strMatching ".+\\.service");
              default = [ ];
              example = [ "traefik.service" ];
              description = "Units that start once the secret is there, and not without it.";
            };
            lenientUnits = mkOption {
              type = types.listOf (types.strMatching ".+\\.service");
              default = [ ];
              example = [ "bootstead-stacks.service" ];
              description = "Units that start after it where it is there, and without it where it is not.";
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
      assertion = isName name;
      # The name is not shown: it may be a secret that somebody wrote in its name's place.
      message = "bootstead.secrets: one of the names is no name of a secret; use words of at most 20 lower-case letters and digits with hyphens or dots between them, and give values to the appliance.";
    }) cfg;

    environment.etc."bootstead/secrets.json".source = file;
    systemd.services.bootstead-secrets = {
      description = "Lay down the secrets that this machine needs";
      wantedBy = [ "multi-user.target" ];
      requiredBy = units;
      before = lib.unique (units ++ allOf "lenientUnits");
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
