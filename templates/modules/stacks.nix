# Container stacks: the list and its settings, what was compiled from them, and the unit that starts it.
{
  config,
  lib,
  pkgs,
  bootsteadLib,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.bootstead.stacks;
  known = import ../lib/stack-names.nix ++ builtins.attrNames cfg.own;
  # Of several stacks from one template each has a name of its own.
  templateOf =
    name:
    let
      template = cfg.settings.${name}.template or null;
    in
    if template == null then name else template;
  unknown = lib.subtractLists known (map templateOf (cfg.names ++ builtins.attrNames cfg.settings));
  nfsMounts = map (mount: mount.mountPoint) (
    builtins.attrValues config.bootstead.storage.nfs.mounts
  );
  allMounts = builtins.attrNames config.fileSystems;
  mountOf = class: bootsteadLib.mountPointOf allMounts cfg.placement.${class};
  isOnNFS = class: bootsteadLib.mountPointOf nfsMounts cfg.placement.${class} != null;
  runs = cfg.names != [ ];
  inherit (config.bootstead.storage) thinPool;
  isGolden = lib.elem "golden" config.bootstead.enabledRoles;

  looksSecret = name: builtins.match ".*(PASS|PASSWORD|PASSWD|TOKEN|SECRET|API_?KEY|PRIVATE_?KEY).*" (lib.toUpper name) != null;
  # Names that end so are files or switches, not the secret itself.
  isReferenceToFile = name: builtins.match ".*(_FILE|_PATH|_ENABLED|_TTL|_LENGTH)" (lib.toUpper name) != null;
  plainSecrets = lib.concatLists (
    lib.mapAttrsToList (
      stack: settings:
      map (name: "bootstead.stacks.settings.${stack}.environment.${name}") (
        builtins.filter (name: looksSecret name && !isReferenceToFile name) (
          builtins.attrNames settings.environment
        )
      )
    ) cfg.settings
  );

  compiled = builtins.fromJSON (builtins.readFile cfg.compiled);
  compiledNames = map (stack: stack.name) compiled.stacks;
  # All that read one secret have it belong to the same user, which the compiler sees to.
  compiledSecrets = lib.listToAttrs (
    lib.concatMap (
      stack:
      map (secret: {
        name = bootsteadLib.secretName secret.reference;
        value = {
          owner = lib.mkDefault "${toString secret.owner.user}:${toString secret.owner.group}";
          # One stack without its secret does not keep the others down.
          lenientUnits = [ "bootstead-stacks.service" ];
        };
      }) stack.secrets
    ) compiled.stacks
  );

  access = config.bootstead.access;
  proxies = [
    "caddy-hub"
    "traefik"
    "nginx-proxy-manager"
  ];
  hostProxies = builtins.filter (design: access.${design}.enable) proxies;
  proxyStacks = builtins.filter (name: builtins.elem (templateOf name) proxies) cfg.names;
  # Only containers are on the network of a proxy that is a stack.
  isBehindStack = builtins.elem "bootstead-hub" compiled.networks;
  # Without a proxy nothing is published that a route could lead to.
  stackRoutes = lib.optionalAttrs (compiled.hub.design != "none") (
    lib.listToAttrs (
      map (
        route:
        lib.nameValuePair route.name {
          inherit (route) names upstream exposure;
          inherit isBehindStack;
          upstreamName = null;
          # A container's certificate is its own; the way there stays on this machine.
          hasOwnCertificate = route.scheme == "https";
        }
      ) (builtins.filter (route: route.names != [ ]) compiled.routes)
    )
  );

  # What the agent calls for stacks, and to clean up after a backup.
  agentPath = [
    pkgs.borgbackup
    pkgs.lvm2
    pkgs.openssh
    pkgs.util-linux
  ]
  ++ lib.optional config.virtualisation.docker.enable config.virtualisation.docker.package
  ++ lib.optional (config.boot.supportedFilesystems.zfs or false) config.boot.zfs.package;
in
{
  options.bootstead.stacks = {
    names = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "photos" ];
      description = "The stacks that this machine runs.";
    };

    own = mkOption {
      type = types.attrsOf types.path;
      default = { };
      example = lib.literalExpression "{ wiki = ./stacks/wiki; }";
      description = "Stacks of your own: the name, and the folder with `compose.yaml`. Nothing secret belongs into that folder.";
    };

    compiled = mkOption {
      type = types.nullOr types.path;
      default = null;
      example = lib.literalExpression "./node1-stacks.json";
      description = ''
        What the stacks and their settings were compiled to. The machine starts its stacks from it; without it they are
        declared only. A flake of the appliance has it as `stacks/NAME.json`; by hand
        `bootstead stack compile -f machine.json -o FILE` makes it.
      '';
    };

    directory = mkOption {
      type = bootsteadLib.absolutePath;
      default = "/srv/stacks";
      description = "Where the Compose files are laid down.";
    };

    placement = mkOption {
      type = types.attrsOf bootsteadLib.absolutePath;
      default = { };
      example = {
        photos = "/srv/photos";
        media = "/data/media";
        downloads = "/data/downloads";
      };
      description = ''
        Where data of each placement class lies: `appdata`, `db`, `media`, `downloads`, `photos`, `backups`, `scratch`.
        A class that is not named lies below `/srv`. `db` is never on NFS; `media` and `downloads` lie on one file
        system, so that a finished download is moved and not copied.
      '';
    };

    identity = {
      policy = mkOption {
        type = types.enum [
          "fixed"
          "userns-remap"
          "image"
        ];
        default = "image";
        description = "Whom containers run as: one fixed user, remapped users, or whom their image names.";
      };
      user = mkOption {
        type = types.ints.between 0 65533;
        default = 2000;
        description = "With `fixed`: the user's number.";
      };
      group = mkOption {
        type = types.ints.between 0 65533;
        default = 2000;
        description = "With `fixed`: the group's number.";
      };
      remapBase = mkOption {
        type = types.ints.positive;
        default = 100000;
        description = "With `userns-remap`: the number that root of a container has outside.";
      };
    };

    settings = mkOption {
      default = { };
      example = {
        photos = {
          parameters.gpu = "nvidia";
          secrets.DB_PASSWORD = "secret:photos-database";
        };
      };
      description = "Choices for single stacks, by the stack's name.";
      type = types.attrsOf (
        types.submodule {
          options = {
            template = mkOption {
              type = types.nullOr types.str;
              default = null;
              example = "photos";
              description = "The stack that this is another one of. `null`: the one of the same name.";
            };
            images = mkOption {
              type = types.attrsOf types.str;
              default = { };
              example.server = "ghcr.io/immich-app/immich-server:v2.3.1";
              description = "Other images than the template's, by service; each with a whole version or a digest.";
            };
            parameters = mkOption {
              type = types.attrsOf (types.oneOf [ types.bool types.int types.str (types.listOf types.str) ]);
              default = { };
              description = "What the stack's template lets one choose.";
            };
            environment = mkOption {
              type = types.attrsOf types.str;
              default = { };
              example.TZ = "Europe/Vienna";
              description = "Environment variables that anybody may read. Secrets belong to `secrets`.";
            };
            secrets = mkOption {
              type = types.attrsOf bootsteadLib.secretReference;
              default = { };
              example.DB_PASSWORD = "secret:photos-database";
              description = "Environment variables or files that are secret, each by the name of its secret.";
            };
            exposure = mkOption {
              type = types.nullOr (
                types.enum [
                  "lan"
                  "vpn"
                  "public"
                ]
              );
              default = null;
              description = "From where the stack is reached. `null` is the template's own choice.";
            };
            identity = mkOption {
              default = null;
              example = {
                policy = "fixed";
                user = 568;
                group = 568;
              };
              description = ''
                Whom the stack's containers run as, instead of `bootstead.stacks.identity`. Where the engine maps users, a
                stack with `fixed` or `image` is excepted from that; name its containers in
                `bootstead.roles.docker-host.userNamespace.exceptions` too.
              '';
              type = types.nullOr (
                types.submodule {
                  options = {
                    policy = mkOption {
                      type = types.enum [
                        "fixed"
                        "userns-remap"
                        "image"
                      ];
                      description = "As `bootstead.stacks.identity.policy`.";
                    };
                    user = mkOption {
                      type = types.ints.between 0 65533;
                      default = 2000;
                      description = "With `fixed`: the user's number.";
                    };
                    group = mkOption {
                      type = types.ints.between 0 65533;
                      default = 2000;
                      description = "With `fixed`: the group's number.";
                    };
                  };
                }
              );
            };
            sizes = mkOption {
              type = types.attrsOf (types.strMatching "[1-9][0-9]*(MiB|GiB|TiB)");
              default = { };
              example.library = "2TiB";
              description = ''
                How large the stack's volumes are at least, instead of the template's size. On LVM the volume is made so
                large, and grows to it while it is used; it takes no more of the pool than what is written. On ZFS it limits
                the data set. Nothing is ever made smaller.
              '';
            };
            host = mkOption {
              type = types.nullOr (types.strMatching "[a-z0-9*-]+(\\.[a-z0-9-]+)*");
              default = null;
              example = "photos.home.example.com";
              description = "The name that the stack is reached by.";
            };
          };
        }
      );
    };
  };

  config = lib.mkMerge [
    {
      bootstead.stacks.placement = lib.genAttrs [
        "appdata"
        "db"
        "media"
        "downloads"
        "photos"
        "backups"
        "scratch"
      ] (class: lib.mkDefault "/srv/${class}");

      assertions =
        map (name: {
          assertion = false;
          message = "bootstead.stacks: there is no stack \"${name}\"; known are ${lib.concatStringsSep ", " known}. Declare your own in bootstead.stacks.own.";
        }) (lib.unique unknown)
        ++ map (field: {
          assertion = false;
          message = "${field}: what is called so is a secret, and this would put it into the store for all to read; give it in `secrets` as \"secret:NAME\".";
        }) plainSecrets;
    }
    (lib.mkIf runs {
      assertions = [
        {
          assertion = config.virtualisation.docker.enable || config.virtualisation.podman.enable;
          message = "bootstead.stacks.names: stacks need a container engine; add the role docker-host or podman-host.";
        }
        {
          assertion = !isOnNFS "db";
          message = "bootstead.stacks.placement.db: ${cfg.placement.db} is on NFS, where databases are damaged; put it on a disk of this machine.";
        }
        {
          assertion = hostProxies == [ ] || proxyStacks == [ ];
          message = "bootstead.access: ${lib.concatStringsSep ", " hostProxies} on the machine and the stack ${lib.concatStringsSep ", " proxyStacks} both want ports 80 and 443; keep one of them.";
        }
        {
          assertion = mountOf "media" == mountOf "downloads";
          message = "bootstead.stacks.placement: media (${cfg.placement.media}) and downloads (${cfg.placement.downloads}) lie on different file systems, so that each download would be copied and kept twice; put both on one.";
        }
      ];

      # Also where nothing is compiled: what is no reference is refused here.
      bootstead.secrets = lib.mkMerge (
        lib.concatMap (
          settings:
          map (reference: {
            ${bootsteadLib.secretName reference}.lenientUnits = [ "bootstead-stacks.service" ];
          }) (builtins.attrValues settings.secrets)
        ) (builtins.attrValues cfg.settings)
      );
    })
    (lib.mkIf (runs && cfg.compiled != null) {
      assertions = [
        {
          assertion = compiled.machine == config.bootstead.machine.name;
          message = "bootstead.stacks.compiled: this was compiled for \"${compiled.machine}\" and not for \"${config.bootstead.machine.name}\"; compile this machine's stacks.";
        }
        {
          assertion = lib.sort builtins.lessThan compiledNames == lib.sort builtins.lessThan (lib.unique cfg.names);
          message = "bootstead.stacks.compiled: this was compiled for the stacks ${lib.concatStringsSep ", " compiledNames}, and the machine runs ${lib.concatStringsSep ", " cfg.names}; compile them again.";
        }
        {
          assertion =
            hostProxies == [ ]
            || proxyStacks != [ ]
            || compiled.routes == [ ]
            || builtins.elem compiled.hub.design hostProxies;
          message = "bootstead.access: the stacks were compiled for the reverse proxy \"${compiled.hub.design}\", and the machine has ${lib.concatStringsSep ", " hostProxies}, which would not reach them; enable it in the machine's settings, and compile them again.";
        }
      ];
      bootstead.access = {
        inherit stackRoutes;
        stackHub = compiled.hub.design;
      };
      bootstead.secrets = compiledSecrets;
      environment.etc."bootstead/stacks.json".source = cfg.compiled;
      # The appliance asks for stacks, snapshots and backups, too.
      systemd.services.bootstead-report.path = agentPath;
      systemd.services.bootstead-stacks = {
        description = "Bring the container stacks up";
        wantedBy = [ "multi-user.target" ];
        wants = [ "network-online.target" ];
        after = [
          "network-online.target"
          "remote-fs.target"
        ]
        ++ lib.optional config.virtualisation.docker.enable "docker.service"
        ++ lib.optional config.virtualisation.podman.enable "podman.socket";
        restartTriggers = [ cfg.compiled ];
        # A stack that stops for a new list would be down for nothing: the agent changes what differs.
        reloadIfChanged = true;
        # The agent also cleans up here after a backup that was interrupted.
        path = agentPath;
        unitConfig = {
          ConditionFileIsExecutable = config.bootstead.agent.program;
          # Data disks are "nofail": without this the stacks would not wait for one that is slow. One that does not come
          # keeps down the stacks with data on it, and no other; the agent looks.
          WantsMountsFor = lib.unique (
            lib.concatMap (stack: map (volume: dirOf volume.path) stack.volumes) compiled.stacks
          );
        };
        serviceConfig = {
          Type = "oneshot";
          RemainAfterExit = true;
          ExecStart = "${config.bootstead.agent.program} stacks apply --configuration /etc/bootstead/stacks.json";
          ExecReload = "${config.bootstead.agent.program} stacks apply --configuration /etc/bootstead/stacks.json";
          TimeoutStartSec = "30min";
        };
      };

      # ZFS has its own timer. Not with the backups of the night. The checkers only read, over a snapshot, and the
      # containers run on.
      systemd.services.bootstead-storage-scrub = lib.mkIf (thinPool != null && !isGolden) {
        description = "Look for damage in the stacks' file systems";
        startAt = "*-*-15 05:00";
        after = [ "bootstead-stacks.service" ];
        path = agentPath ++ [
          pkgs.e2fsprogs
          pkgs.xfsprogs
        ];
        unitConfig.ConditionFileIsExecutable = config.bootstead.agent.program;
        serviceConfig = {
          Type = "oneshot";
          ExecStart = "${config.bootstead.agent.program} storage scrub ${thinPool.volumeGroup}/${thinPool.pool}";
          CPUSchedulingPolicy = "idle";
          IOSchedulingClass = "idle";
        };
      };
      systemd.timers.bootstead-storage-scrub = lib.mkIf (thinPool != null && !isGolden) {
        timerConfig = {
          Persistent = true;
          RandomizedDelaySec = "6h";
        };
      };
    })
  ];
}
