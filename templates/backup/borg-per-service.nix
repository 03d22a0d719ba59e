# One Borg repository for each stack: lock, stop or dump, snapshot, start, copy from the snapshot, prune, check.
{
  config,
  lib,
  pkgs,
  bootsteadLib,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.backup.borg-per-service;
in
{
  options.bootstead.backup.borg-per-service = {
    enable = lib.mkEnableOption "a Borg repository for each stack";
    repository = mkOption {
      type = types.str;
      example = "nas";
      description = "The repository, of type `borg`, below whose URL each stack has its own.";
    };
    stacks = mkOption {
      type = types.listOf types.str;
      default = config.bootstead.stacks.names;
      defaultText = lib.literalExpression "config.bootstead.stacks.names";
      description = "Which stacks.";
    };
    schedule = mkOption {
      type = types.str;
      default = "02:30";
      description = "When, as systemd writes calendar times.";
    };
    encryption = mkOption {
      type = types.enum [
        "repokey-blake2"
        "keyfile-blake2"
      ];
      default = "repokey-blake2";
      description = "How the repositories are encrypted. With `keyfile-blake2` a copy of the key has to be kept elsewhere.";
    };
    passphrases = mkOption {
      type = types.attrsOf bootsteadLib.secretReference;
      default = { };
      example.photos = "secret:borg-photos";
      description = "The secret with each stack's passphrase. A stack that is not named has `secret:borg-STACK`.";
    };
    compression = mkOption {
      type = types.strMatching "none|lz4|(auto,)?(zstd|zlib|lzma)(,[0-9]+)?";
      default = "zstd,3";
      description = "Borg's compression.";
    };
    exclude = mkOption {
      type = types.listOf types.nonEmptyStr;
      default = [ ];
      example = [ "*/cache/*" ];
      description = "Patterns of what is left out.";
    };
    classes = mkOption {
      type = types.nullOr (types.nonEmptyListOf types.str);
      default = null;
      example = [
        "appdata"
        "db"
      ];
      description = ''
        The placement classes whose volumes are copied. Null: all. Leave out classes that lie on NFS, of which this machine
        makes no snapshots: back them up where they lie.
      '';
    };
    retention = bootsteadLib.retention {
      daily = 7;
      weekly = 4;
      monthly = 6;
    };
    stackRetention = mkOption {
      type = types.attrsOf (types.submodule { options = bootsteadLib.retention { }; });
      default = { };
      example.photos.yearly = 5;
      description = "Retention of single stacks, instead of the above.";
    };
    checkSchedule = mkOption {
      type = types.strMatching "daily|weekly|monthly";
      default = "weekly";
      description = "How often each repository is checked.";
    };
  };

  config = lib.mkIf cfg.enable {
    assertions = map (class: {
      assertion = config.bootstead.stacks.placement ? ${class};
      message = "bootstead.backup.borg-per-service.classes: there is no placement class \"${class}\".";
    }) (if cfg.classes == null then [ ] else cfg.classes);
    bootstead.backup.plans.borg-per-service =
      let
        passphrases = lib.genAttrs cfg.stacks (stack: cfg.passphrases.${stack} or "secret:borg-${stack}");
      in
      {
        design = "borg-per-service";
        tier = 1;
        inherit (cfg) schedule stacks repository;
        packages = [
          pkgs.borgbackup
          pkgs.openssh
        ];
        secrets = builtins.attrValues passphrases;
        settings = {
          inherit (cfg)
            encryption
            compression
            exclude
            classes
            retention
            stackRetention
            checkSchedule
            ;
          passphraseFiles = lib.mapAttrs (_: bootsteadLib.secretPath) passphrases;
        };
      };
  };
}
