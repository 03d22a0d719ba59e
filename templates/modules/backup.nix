# Backups. The designs in ../backup each make plans; here the plans become one configuration file, units and timers.
{
  config,
  lib,
  pkgs,
  bootsteadLib,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.backup;
  inherit (config.bootstead.agent) program;
  json = pkgs.formats.json { };
  hasPlans = cfg.plans != { };
  unit = name: "bootstead-backup-${name}";
  # What every run calls: mounts and snapshots, the container engine, and curl, which tells the monitor.
  tools = [
    pkgs.curl
    pkgs.lvm2
    pkgs.util-linux
  ]
  ++ lib.optional config.virtualisation.docker.enable config.virtualisation.docker.package
  ++ lib.optional (config.boot.supportedFilesystems.zfs or false) config.boot.zfs.package;

  repositorySecrets =
    repository:
    builtins.filter (reference: reference != null) (
      [
        repository.passphrase
        repository.sshKey
      ]
      ++ builtins.attrValues repository.environment
    );
  secretFile = reference: if reference == null then null else bootsteadLib.secretPath reference;
  services = map (name: "${unit name}.service") (builtins.attrNames cfg.plans);
  allSecrets =
    lib.concatMap repositorySecrets (builtins.attrValues cfg.repositories)
    ++ lib.concatMap (plan: plan.secrets) (builtins.attrValues cfg.plans)
    ++ lib.optional (cfg.ping != null) cfg.ping
    ++ builtins.attrValues cfg.pings;

  file = json.generate "bootstead-backup.json" {
    schema = 1;
    ping = secretFile cfg.ping;
    pings = lib.mapAttrs (_: secretFile) cfg.pings;
    repositories = lib.mapAttrs (_: repository: {
      inherit (repository) type url hostKey;
      passphraseFile = secretFile repository.passphrase;
      sshKeyFile = secretFile repository.sshKey;
      environmentFiles = lib.mapAttrs (_: secretFile) repository.environment;
    }) cfg.repositories;
    # The agent asks systemd how these ended.
    others = lib.mapAttrs (_: design: { inherit (design) tier units scope; }) cfg.others;
    plans = lib.mapAttrs (name: plan: {
      unit = "${unit name}.service";
      inherit (plan)
        design
        tier
        stacks
        repository
        settings
        ;
    }) cfg.plans;
  };
in
{
  options.bootstead.backup = {
    repositories = mkOption {
      default = { };
      example = {
        nas = {
          type = "borg";
          url = "ssh://node1@nas.example.com/./node1";
          sshKey = "secret:borg-key";
        };
      };
      description = "Where copies go, by name.";
      type = types.attrsOf (
        types.submodule {
          options = {
            type = mkOption {
              type = types.enum [
                "borg"
                "restic"
                "rsync"
                "pbs"
              ];
              description = "What kind of repository it is.";
            };
            url = mkOption {
              type = types.nonEmptyStr;
              example = "ssh://node1@nas.example.com/./node1";
              description = "Where it is, without a password.";
            };
            hostKey = mkOption {
              type = types.nullOr (types.strMatching "[^\n]+");
              default = null;
              example = "nas.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample";
              description = "The server's SSH host key as a line of `known_hosts`, or its certificate's fingerprint.";
            };
            passphrase = mkOption {
              type = types.nullOr bootsteadLib.secretReference;
              default = null;
              example = "secret:backup-passphrase";
              description = "The secret with the passphrase, where the design does not take one for each stack.";
            };
            sshKey = mkOption {
              type = types.nullOr bootsteadLib.secretReference;
              default = null;
              example = "secret:borg-key";
              description = "The secret with the SSH key. At the target it may only append.";
            };
            environment = mkOption {
              type = types.attrsOf bootsteadLib.secretReference;
              default = { };
              example.RESTIC_REST_PASSWORD = "secret:rest-server";
              description = "Further secrets by the environment variable that the program reads.";
            };
          };
        }
      );
    };

    ping = mkOption {
      type = types.nullOr bootsteadLib.secretReference;
      default = null;
      example = "secret:healthchecks-url";
      description = "The secret with the URL that is told when a run starts, succeeds or fails. `{plan}` and `{machine}` in it are replaced by names, so that one URL of Healthchecks' slug form serves all plans, `test-restore`, `prune` and `check`: `https://hc-ping.com/PING-KEY/{machine}-{plan}?create=1`. Without `{plan}` it is told of all plans' runs alike, where one's success hides another's failure, and of nothing else. Whoever has that URL can tell lies to it.";
    };

    pings = mkOption {
      type = types.attrsOf bootsteadLib.secretReference;
      default = { };
      example = {
        borg-per-service = "secret:ping-borg";
        test-restore = "secret:ping-test-restore";
      };
      description = "Secrets with URLs of their own, by plan, instead of `ping`; and for `test-restore`, `prune` and `check`.";
    };

    testRestore = {
      enable = mkOption {
        type = types.bool;
        default = hasPlans;
        defaultText = lib.literalMD "whether there is a backup";
        description = "Whether one archive of each stack is restored into a scratch volume and verified.";
      };
      schedule = mkOption {
        type = types.str;
        default = "monthly";
        description = "When, as systemd writes calendar times.";
      };
    };

    plans = mkOption {
      default = { };
      internal = true;
      description = "What is backed up, how and when. The designs make these.";
      type = types.attrsOf (
        types.submodule {
          options = {
            design = mkOption {
              type = types.str;
              description = "The design's name.";
            };
            tier = mkOption {
              type = types.ints.between 0 3;
              description = "0: machine image, 1: data of the stacks, 2: local snapshots, 3: a copy off the house.";
            };
            schedule = mkOption {
              type = types.nullOr types.str;
              description = "When; `null` for what is started by hand.";
            };
            stacks = mkOption {
              type = types.listOf types.str;
              default = [ ];
              description = "Which stacks.";
            };
            repository = mkOption {
              type = types.nullOr types.str;
              default = null;
              description = "The repository's name.";
            };
            settings = mkOption {
              inherit (json) type;
              default = { };
              description = "What the design's run needs to know.";
            };
            secrets = mkOption {
              type = types.listOf bootsteadLib.secretReference;
              default = [ ];
              description = "Secrets beside the repository's.";
            };
            packages = mkOption {
              type = types.listOf types.package;
              default = [ ];
              description = "Programs that the run calls.";
            };
          };
        }
      );
    };

    others = mkOption {
      default = { };
      internal = true;
      description = "Designs that are carried out without the agent. They tell of themselves here.";
      type = types.attrsOf (
        types.submodule {
          options = {
            tier = mkOption {
              type = types.ints.between 0 3;
              description = "As of a plan.";
            };
            units = mkOption {
              type = types.listOf (types.strMatching ".+\\.service");
              description = "The units that carry it out. None: another machine does.";
            };
            scope = mkOption {
              type = types.attrsOf (types.listOf types.str);
              description = "What is copied: `classes`, `paths` or `datasets`.";
            };
          };
        }
      );
    };

    tiers = mkOption {
      type = types.listOf types.int;
      readOnly = true;
      default = lib.unique (
        lib.sort lib.lessThan (
          map (plan: plan.tier) (builtins.attrValues cfg.plans ++ builtins.attrValues cfg.others)
          ++ lib.optional cfg.vm-image.enable 0
        )
      );
      defaultText = lib.literalMD "of the designs that are enabled";
      description = "Which tiers this machine has. 0: machine image, 1: data of the stacks, 2: local snapshots, 3: a copy off the house.";
    };
  };

  config = {
    assertions =
      lib.mapAttrsToList (name: plan: {
        assertion = plan.repository == null || cfg.repositories ? ${plan.repository};
        message = "bootstead.backup.${plan.design}.repository: there is no repository \"${toString plan.repository}\"; known are ${
          lib.concatStringsSep ", " (builtins.attrNames cfg.repositories)
        }.";
      }) cfg.plans
      ++ lib.concatLists (
        lib.mapAttrsToList (
          _: plan:
          map (stack: {
            assertion = builtins.elem stack config.bootstead.stacks.names;
            message = "bootstead.backup.${plan.design}.stacks: this machine does not run \"${stack}\".";
          }) plan.stacks
        ) cfg.plans
      )
      ++ map (name: {
        assertion =
          cfg.plans ? ${name}
          || builtins.elem name [
            "test-restore"
            "prune"
            "check"
          ];
        message = "bootstead.backup.pings.${name}: there is no plan \"${name}\"; known are ${
          lib.concatStringsSep ", " (builtins.attrNames cfg.plans)
        }, test-restore, prune and check.";
      }) (builtins.attrNames cfg.pings)
      ++ lib.mapAttrsToList (name: repository: {
        # user:password@ in front of the host
        assertion = builtins.match ".*://[^/@]*:[^/@]+@.*" repository.url == null;
        message = "bootstead.backup.repositories.${name}.url: it carries a password, which would be in the store for all to read; give it in `environment` as \"secret:NAME\".";
      }) cfg.repositories;

    bootstead.secrets = lib.mkMerge (
      map (reference: { ${bootsteadLib.secretName reference}.units = services; }) (lib.unique allSecrets)
    );

    environment.etc."bootstead/backup.json" = lib.mkIf (hasPlans || cfg.others != { }) { source = file; };

    systemd.services = lib.mkMerge [
      (lib.mapAttrs' (name: plan: {
        name = unit name;
        value = {
          description = "Back up by ${plan.design}";
          wants = [ "network-online.target" ];
          after = [
            "network-online.target"
            "bootstead-stacks.service"
          ];
          unitConfig.ConditionFileIsExecutable = program;
          # A change of the configuration is for the next run.
          restartIfChanged = false;
          path = plan.packages ++ tools;
          serviceConfig = {
            Type = "oneshot";
            ExecStart = "${program} backup run --configuration /etc/bootstead/backup.json ${name}";
            Nice = 10;
            IOSchedulingClass = "idle";
          };
        };
      }) cfg.plans)
      (lib.mkIf hasPlans {
        # The appliance asks for runs and restores, too.
        bootstead-report.path = lib.unique (lib.concatMap (plan: plan.packages) (builtins.attrValues cfg.plans) ++ tools);
      })
      (lib.mkIf (hasPlans && cfg.testRestore.enable) {
        bootstead-backup-test-restore = {
          description = "Restore from the backups into a scratch volume, and verify";
          after = services;
          unitConfig.ConditionFileIsExecutable = program;
          restartIfChanged = false;
          path = lib.unique (lib.concatMap (plan: plan.packages) (builtins.attrValues cfg.plans) ++ tools);
          serviceConfig = {
            Type = "oneshot";
            ExecStart = "${program} backup test-restore --configuration /etc/bootstead/backup.json --scratch ${config.bootstead.stacks.placement.scratch}";
            Nice = 10;
            IOSchedulingClass = "idle";
          };
        };
      })
    ];
    systemd.timers = lib.mkMerge [
      (lib.mapAttrs' (name: plan: {
        name = unit name;
        value = {
          wantedBy = [ "timers.target" ];
          timerConfig = {
            OnCalendar = plan.schedule;
            # What the machine slept through is made up for.
            Persistent = true;
            RandomizedDelaySec = "5min";
          };
        };
      }) (lib.filterAttrs (_: plan: plan.schedule != null) cfg.plans))
      (lib.mkIf (hasPlans && cfg.testRestore.enable) {
        bootstead-backup-test-restore = {
          wantedBy = [ "timers.target" ];
          timerConfig = {
            OnCalendar = cfg.testRestore.schedule;
            Persistent = true;
            RandomizedDelaySec = "6h";
          };
        };
      })
    ];
  };
}
