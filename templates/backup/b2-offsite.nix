# A copy out of the house: Restic to an object store, encrypted before it leaves.
{
  config,
  lib,
  pkgs,
  bootsteadLib,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.backup.b2-offsite;
in
{
  options.bootstead.backup.b2-offsite = {
    enable = lib.mkEnableOption "a copy in an object store";
    url = mkOption {
      type = types.strMatching "(b2:[a-z0-9-]+(:[^:@]+)?|s3:https://[^@]+)";
      example = "b2:example-backup:node1";
      description = "The bucket and the folder in it, as Restic writes it; each stack has a repository below it. Switch versions on in the bucket.";
    };
    keyIdentifier = mkOption {
      type = bootsteadLib.secretReference;
      default = "secret:offsite-key-identifier";
      description = "The secret with the application key's identifier.";
    };
    key = mkOption {
      type = bootsteadLib.secretReference;
      default = "secret:offsite-key";
      description = "The secret with the application key.";
    };
    passphrase = mkOption {
      type = bootsteadLib.secretReference;
      default = "secret:offsite-passphrase";
      description = "The secret with the passphrase. Without it nobody reads the copy again: keep it on paper.";
    };
    classes = mkOption {
      type = types.nonEmptyListOf types.str;
      default = [
        "photos"
        "appdata"
      ];
      description = "The placement classes that are copied, of all stacks.";
    };
    schedule = mkOption {
      type = types.str;
      default = "04:30";
      description = "When, as systemd writes calendar times.";
    };
    retention = bootsteadLib.retention {
      daily = 7;
      weekly = 4;
      monthly = 12;
    };
    uploadLimit = mkOption {
      type = types.nullOr types.ints.positive;
      default = null;
      example = 2000;
      description = "KiB in a second that the upload takes at most.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = map (class: {
      assertion = config.bootstead.stacks.placement ? ${class};
      message = "bootstead.backup.b2-offsite.classes: there is no placement class \"${class}\".";
    }) cfg.classes;
    bootstead.backup.plans.b2-offsite = {
      design = "b2-offsite";
      tier = 3;
      inherit (cfg) schedule;
      packages = [ pkgs.restic ];
      secrets = [
        cfg.keyIdentifier
        cfg.key
        cfg.passphrase
      ];
      settings = {
        inherit (cfg)
          url
          classes
          retention
          uploadLimit
          ;
        keyIdentifierFile = bootsteadLib.secretPath cfg.keyIdentifier;
        keyFile = bootsteadLib.secretPath cfg.key;
        passphraseFile = bootsteadLib.secretPath cfg.passphrase;
      };
    };
  };
}
