# Snapshots of each stack's own volumes, on LVM thin volumes and ZFS, made and pruned by the agent.
{
  config,
  lib,
  bootsteadLib,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.backup.stack-snapshots;
in
{
  options.bootstead.backup.stack-snapshots = {
    enable = lib.mkEnableOption "snapshots of the stacks' volumes";
    stacks = mkOption {
      type = types.listOf types.str;
      default = config.bootstead.stacks.names;
      defaultText = lib.literalExpression "config.bootstead.stacks.names";
      description = "Which stacks.";
    };
    schedule = mkOption {
      type = types.str;
      default = "00:30";
      description = "When, as systemd writes calendar times.";
    };
    retention = bootsteadLib.retention {
      daily = 7;
      weekly = 4;
    };
    stackRetention = mkOption {
      type = types.attrsOf (types.submodule { options = bootsteadLib.retention { }; });
      default = { };
      example.photos.last = 24;
      description = "Retention of single stacks, instead of the above.";
    };
  };

  config = lib.mkIf cfg.enable {
    bootstead.backup.plans.stack-snapshots = {
      design = "stack-snapshots";
      tier = 2;
      inherit (cfg) schedule stacks;
      settings = {
        inherit (cfg) retention stackRetention;
      };
    };
  };
}
