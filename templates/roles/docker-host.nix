# Docker whose containers' root is nobody on the host, and whose logs have a bound.
{
  config,
  lib,
  pkgs,
  bootsteadLib,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.roles.docker-host;
  remap = cfg.userNamespace;

  logOptions = {
    max-size = cfg.logs.maxSize;
    max-file = toString cfg.logs.maxFiles;
  };

  checks = pkgs.writeShellApplication {
    name = "bootstead-check-docker";
    runtimeInputs = [
      config.virtualisation.docker.package
      pkgs.coreutils
      pkgs.gnugrep
    ];
    text = ''
      log=${lib.escapeShellArg "local ${logOptions.max-size} ${logOptions.max-file}"}
      start=${if remap.enable then toString remap.start else "0"}
      count=${toString remap.count}
      exceptions=${lib.escapeShellArg (lib.concatStringsSep " " remap.exceptions)}
    ''
    + builtins.readFile ./_docker-check.sh;
  };
in
{
  options.bootstead.roles.docker-host = {
    enable = lib.mkEnableOption "Docker as the host of the machine's stacks";

    userNamespace = {
      enable = mkOption {
        type = types.bool;
        default = true;
        description = ''
          Map the containers' users to users of the host that own nothing: root in a container is user `start` outside.
          Turning it on or off gives Docker an empty image store; volumes in `dataRoot` keep their old owners.
        '';
      };

      user = mkOption {
        type = types.strMatching "[a-z_][a-z0-9_-]{0,30}";
        default = "dockeruser";
        description = "The user whose subordinate identifiers are taken.";
      };

      start = mkOption {
        type = types.ints.between 65536 4294901760;
        default = 100000;
        description = "The user and group of the host that a container's root is.";
      };

      count = mkOption {
        type = types.ints.between 65536 16777216;
        default = 65536;
        description = "How many users and groups are mapped.";
      };

      exceptions = mkOption {
        type = types.listOf types.str;
        default = [ ];
        example = [ "home-assistant" ];
        description = "Containers that need the host's own users (`userns_mode: host`). The health check complains about others.";
      };
    };

    logs = {
      maxSize = mkOption {
        type = types.strMatching "[0-9]+[kmg]";
        default = "10m";
        description = "How large one log file of a container may become.";
      };

      maxFiles = mkOption {
        type = types.ints.positive;
        default = 3;
        description = "How many log files a container keeps.";
      };
    };

    owner = {
      uid = mkOption {
        type = types.ints.between 0 65535;
        default = 2000;
        description = "The user of containers that keep one owner for all files, as seen in the container.";
      };

      gid = mkOption {
        type = types.ints.between 0 65535;
        default = 2000;
        description = "The group of containers that keep one owner for all files, as seen in the container.";
      };

      hostUid = mkOption {
        type = types.int;
        readOnly = true;
        default = cfg.owner.uid + (if remap.enable then remap.start else 0);
        defaultText = lib.literalMD "`uid`, and `userNamespace.start` more where users are mapped";
        description = "What `uid` is on the host.";
      };

      hostGid = mkOption {
        type = types.int;
        readOnly = true;
        default = cfg.owner.gid + (if remap.enable then remap.start else 0);
        defaultText = lib.literalMD "`gid`, and `userNamespace.start` more where users are mapped";
        description = "What `gid` is on the host.";
      };
    };

    dataRoot = mkOption {
      type = types.nullOr types.path;
      default = null;
      example = "/srv/docker";
      description = "Where Docker keeps images and volumes. Null: `/var/lib/docker`, on the system's file system.";
    };

    weeklyPrune = mkOption {
      type = types.bool;
      default = true;
      description = "Remove images and networks that nothing uses, weekly. Volumes stay.";
    };

    cockpit = mkOption {
      type = types.bool;
      default = false;
      description = "Cockpit, for a look at disks, network and updates in a browser, on port 9090 of this machine alone; give it a route.";
    };

    beszel = {
      enable = lib.mkEnableOption "the Beszel agent, which reports the machine's load to a Beszel hub";

      secret = mkOption {
        type = bootsteadLib.secretReference;
        default = "secret:beszel-agent";
        description = "The secret that holds the agent's environment: lines `KEY=…`, `TOKEN=…`, `HUB_URL=…`.";
      };
    };
  };

  # Automatic subordinate ranges start at 100000 as well and do not know of this one: an administrator would own the
  # containers' files.
  options.users.users = mkOption {
    type = types.attrsOf (
      types.submodule {
        config.autoSubUidGidRange = lib.mkIf (cfg.enable && remap.enable) (lib.mkOverride 900 false);
      }
    );
  };

  config = lib.mkMerge [
    {
      bootstead.excludedRoles.docker-host = [
        "podman-host"
        "docker-host-rootless"
      ];
    }
    (lib.mkIf cfg.enable {
      virtualisation.docker = {
        enable = true;
        logDriver = "local";
        daemon.settings = {
          log-driver = "local";
          log-opts = logOptions;
          userns-remap = lib.mkIf remap.enable remap.user;
          data-root = lib.mkIf (cfg.dataRoot != null) cfg.dataRoot;
        };
        autoPrune.enable = cfg.weeklyPrune;
      };

      assertions = [
        {
          assertion =
            remap.enable
            -> lib.all (user: !user.autoSubUidGidRange) (lib.attrValues config.users.users);
          message = "bootstead.roles.docker-host: users.users.NAME.autoSubUidGidRange would hand the containers' user range to a person; give that user subUidRanges and subGidRanges of its own instead.";
        }
      ];

      users = lib.mkIf remap.enable {
        groups.${remap.user} = { };
        users.${remap.user} = {
          isSystemUser = true;
          group = remap.user;
          subUidRanges = [
            {
              startUid = remap.start;
              inherit (remap) count;
            }
          ];
          subGidRanges = [
            {
              startGid = remap.start;
              inherit (remap) count;
            }
          ];
        };
      };

      environment.systemPackages = [ checks ];
      # Fails, and so shows on the appliance, when Docker does not run as it was declared.
      systemd.services.bootstead-check-docker = {
        description = "Check user mapping and log settings of Docker";
        after = [ "docker.service" ];
        requires = [ "docker.service" ];
        serviceConfig = {
          Type = "oneshot";
          ExecStart = lib.getExe checks;
        };
      };
      systemd.timers.bootstead-check-docker = {
        description = "Check user mapping and log settings of Docker";
        wantedBy = [ "timers.target" ];
        timerConfig = {
          OnBootSec = "3min";
          OnUnitActiveSec = "1h";
        };
      };

      services.cockpit = lib.mkIf cfg.cockpit {
        enable = true;
        # Opening a session on another machine from here is a way in for whoever reaches the page.
        settings.WebService.LoginTo = false;
      };
      systemd.sockets.cockpit.listenStreams = lib.mkIf cfg.cockpit (
        lib.mkForce [
          ""
          "127.0.0.1:9090"
        ]
      );

      bootstead.secrets = lib.mkIf cfg.beszel.enable {
        ${bootsteadLib.secretName cfg.beszel.secret}.units = [ "beszel-agent.service" ];
      };
      services.beszel.agent = lib.mkIf cfg.beszel.enable {
        enable = true;
        environmentFile = bootsteadLib.secretPath cfg.beszel.secret;
      };
    })
  ];
}
