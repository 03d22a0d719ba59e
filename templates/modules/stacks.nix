# Container stacks: what the list and its settings have to be, what was compiled from them, and the unit that starts it.
{
  config,
  lib,
  pkgs,
  bootsteadLib,
  ...
}:
let
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
