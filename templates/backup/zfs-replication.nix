# Copies of ZFS data sets on another pool or another machine, by Syncoid.
{
  config,
  lib,
  bootsteadLib,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.backup.zfs-replication;
  withKey = lib.filterAttrs (_: target: target.sshKey != null) cfg.targets;
in
{
  options.bootstead.backup.zfs-replication = {
    enable = lib.mkEnableOption "replication of ZFS data sets";
    interval = mkOption {
      type = types.str;
      default = "hourly";
      description = "How often, as systemd writes calendar times.";
    };
    targets = mkOption {
      default = { };
      example = {
        photos = {
          source = "tank/photos";
          target = "syncoid@nas.example.com:backup/photos";
          sshKey = "secret:syncoid-key";
        };
      };
      description = "What is copied where, by name.";
      type = types.attrsOf (
        types.submodule {
          options = {
            source = mkOption {
              type = types.nonEmptyStr;
              example = "tank/photos";
              description = "The data set, with those below it.";
            };
            target = mkOption {
              type = types.nonEmptyStr;
              example = "tank-backup/photos";
              description = "The copy: a data set of this machine, or `user@host:dataset`.";
            };
            sshKey = mkOption {
              type = types.nullOr bootsteadLib.secretReference;
              default = null;
              example = "secret:syncoid-key";
              description = "The secret with the SSH key for another machine.";
            };
          };
        }
      );
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = lib.mapAttrsToList (name: target: {
      assertion = (builtins.match ".*@.*:.*" target.target != null) == (target.sshKey != null);
      message = "bootstead.backup.zfs-replication.targets.${name}.sshKey: a target on another machine needs one, and one on this machine does not.";
    }) cfg.targets;
    bootstead.backup.others = lib.mapAttrs' (name: target: {
      name = "zfs-replication-${name}";
      value = {
        # A copy on another pool of this machine goes with the machine.
        tier = if target.sshKey != null then 3 else 1;
        units = [ "syncoid-${name}.service" ];
        scope.datasets = [ target.source ];
      };
    }) cfg.targets;
    services.syncoid = {
      enable = true;
      inherit (cfg) interval;
      commands = lib.mapAttrs (
        _: target:
        {
          inherit (target) source target;
          recursive = true;
        }
        // lib.optionalAttrs (target.sshKey != null) { sshKey = bootsteadLib.secretPath target.sshKey; }
      ) cfg.targets;
    };
    bootstead.secrets = lib.mkMerge (
      lib.mapAttrsToList (name: target: {
        ${bootsteadLib.secretName target.sshKey} = {
          owner = config.services.syncoid.user;
          units = [ "syncoid-${name}.service" ];
        };
      }) withKey
    );
  };
}
