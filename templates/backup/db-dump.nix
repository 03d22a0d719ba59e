# Dumps of databases, by each database's own tool in its own container, before any files are copied.
{
  config,
  lib,
  pkgs,
  bootsteadLib,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.backup.db-dump;
in
{
  options.bootstead.backup.db-dump = {
    enable = lib.mkEnableOption "dumps of the stacks' databases";
    directory = mkOption {
      type = bootsteadLib.absolutePath;
      default = "${config.bootstead.stacks.placement.appdata}/dumps";
      defaultText = lib.literalMD "`dumps` below the placement class `appdata`";
      description = "Where the dumps lie, for root alone.";
    };
    schedule = mkOption {
      type = types.str;
      default = "01:30";
      description = "When, as systemd writes calendar times; before the copies.";
    };
    keep = mkOption {
      type = types.ints.positive;
      default = 7;
      description = "How many dumps of each database stay.";
    };
    stacks = mkOption {
      type = types.listOf types.str;
      default = config.bootstead.stacks.names;
      defaultText = lib.literalExpression "config.bootstead.stacks.names";
      description = "Which stacks; those without a database are passed over.";
    };
  };

  config = lib.mkIf cfg.enable {
    systemd.tmpfiles.rules = [ "d ${cfg.directory} 0700 root root -" ];
    bootstead.backup.plans.db-dump = {
      design = "db-dump";
      tier = 1;
      inherit (cfg) schedule stacks;
      packages = [ pkgs.zstd ];
      settings = {
        inherit (cfg) directory keep;
      };
    };
  };
}
