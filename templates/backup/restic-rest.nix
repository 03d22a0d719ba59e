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
in
{
  options.bootstead.backup.restic-rest = {
    enable = lib.mkEnableOption "Restic to a REST server";
    repository = mkOption {
      type = types.str;
      example = "rest";
      description = "The repository, of type `restic`.";
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
      description = "When the server forgets what retention does not keep. This machine cannot delete there by itself.";
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
  };
}
