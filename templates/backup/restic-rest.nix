# Restic to a REST server that lets this machine append, and not delete.
{
  config,
  lib,
  pkgs,
  bootsteadLib,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.backup.restic-rest;
  inherit (config.bootstead.agent) program;
  unit = "bootstead-backup-restic-rest-prune";
in
{
  options.bootstead.backup.restic-rest = {
    enable = lib.mkEnableOption "Restic to a REST server";
    repository = mkOption {
      type = types.str;
      example = "rest";
      description = "The repository, of type `restic`, below whose URL each stack has its own.";
    };
    stacks = mkOption {
      type = types.listOf types.str;
      default = config.bootstead.stacks.names;
      defaultText = lib.literalExpression "config.bootstead.stacks.names";
      description = "Which stacks.";
    };
    schedule = mkOption {
      type = types.str;
      default = "02:00";
      description = "When, as systemd writes calendar times.";
    };
    pruneSchedule = mkOption {
      type = types.str;
      default = "Sun 01:00";
      description = "When what retention does not keep is removed, as systemd writes calendar times. A server that lets this machine only add refuses that: there it is done where the repository lies.";
    };
    retention = bootsteadLib.retention {
      last = 5;
      daily = 14;
    };
  };

  config = lib.mkIf cfg.enable {
    bootstead.backup.plans.restic-rest = {
      design = "restic-rest";
      tier = 1;
      inherit (cfg) schedule stacks repository;
      packages = [ pkgs.restic ];
      settings = {
        inherit (cfg) retention pruneSchedule;
      };
    };
    systemd.services.${unit} = {
      description = "Remove old backups of restic-rest";
      wants = [ "network-online.target" ];
      after = [
        "network-online.target"
        "bootstead-backup-restic-rest.service"
      ];
      unitConfig.ConditionFileIsExecutable = program;
      restartIfChanged = false;
      inherit (config.systemd.services.bootstead-backup-restic-rest) path;
      serviceConfig = {
        Type = "oneshot";
        ExecStart = "${program} backup prune --configuration /etc/bootstead/backup.json restic-rest";
        Nice = 10;
        IOSchedulingClass = "idle";
      };
    };
    systemd.timers.${unit} = {
      wantedBy = [ "timers.target" ];
      timerConfig = {
        OnCalendar = cfg.pruneSchedule;
        Persistent = true;
        RandomizedDelaySec = "5min";
      };
    };
  };
}
